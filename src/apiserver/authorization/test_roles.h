// For tests: rules, requests and users in a line of text.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/authorization/attributes.h"
#include "apiserver/authorization/policy_rule.h"
#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::apiserver {

inline PolicyRules rulesFrom(const std::string& list) {
  return readRules(json::Object{{"rules", json::parseYaml(list)}});
}
inline PolicyRule ruleFrom(const std::string& rule) { return rulesFrom("[" + rule + "]").front(); }

// "get pods web", "list apps/deployments", "create pods:exec web in prod", "get /healthz"; a list's field selector is
// written as `?spec.nodeName=a`.
inline Attributes requestFrom(std::string_view text) {
  Attributes request;
  auto words = base::split(text, ' ');
  request.verb = words[0];
  if (words[1].starts_with('/')) {
    request.isResource = false;
    request.path = words[1];
    return request;
  }
  std::string_view resource = words[1];
  if (auto slash = base::splitOnce(resource, '/')) {
    request.group = slash->first;
    resource = slash->second;
  }
  auto colon = base::splitOnce(resource, ':');
  request.resource = colon ? colon->first : resource;
  if (colon) request.subresource = colon->second;
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "in") {
      request.ns = words[++i];
    } else if (words[i].starts_with('?')) {
      request.fieldSelector = words[i].substr(1);
    } else {
      request.name = words[i];
    }
  }
  return request;
}

// "jane devs walkers": jane of these groups.
inline User userFrom(std::string_view text) {
  User user;
  for (auto word : base::split(text, ' ')) {
    if (user.name.empty()) {
      user.name = word;
    } else {
      user.groups.emplace_back(word);
    }
  }
  return user;
}

}  // namespace wherry::apiserver

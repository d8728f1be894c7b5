// Who in a pod sets something to what it must not be, and how that is said. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"
#include "apiserver/podsecurity/standards.h"
#include "base/strings.h"

namespace wherry::apiserver::podsecurity {

// "one" or "many".
inline std::string plural(const char* one, const char* many, size_t count) { return count == 1 ? one : many; }

// "a", "b" with the quotes.
template <typename Names>
std::string quoted(const Names& names) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += ", ";
    text.append("\"").append(name).append("\"");
  }
  return text;
}

inline std::string containersText(const std::vector<std::string>& names) {
  return plural("container", "containers", names.size()) + " " + quoted(names);
}

template <typename F>
void forEachContainerOf(const PodParts& pod, F&& f) {
  forEachContainer(pod.spec, "", [&](const json::Object& container, const std::string&) { f(container); });
}

// The pod itself, and those of its containers for which `isBad` holds of their securityContext.
struct Setters {
  bool pod = false;
  std::vector<std::string> containers;

  bool empty() const { return !pod && containers.empty(); }
  // `pod and containers "a", "b"`
  std::string text() const {
    std::vector<std::string> parts;
    if (pod) parts.emplace_back("pod");
    if (!containers.empty()) parts.push_back(containersText(containers));
    return base::join(parts, " and ");
  }
};

template <typename IsBad>
std::vector<std::string> containersWhere(const PodParts& pod, IsBad&& isBad) {
  std::vector<std::string> names;
  forEachContainerOf(pod, [&](const json::Object& container) {
    if (isBad(container)) names.emplace_back(json::getString(container, "name"));
  });
  return names;
}

template <typename IsBad>
Setters settersWhere(const PodParts& pod, IsBad&& isBad) {
  Setters setters;
  setters.pod = isBad(objectAt(pod.spec, "securityContext"));
  setters.containers = containersWhere(
      pod, [&](const json::Object& container) { return isBad(objectAt(container, "securityContext")); });
  return setters;
}

}  // namespace wherry::apiserver::podsecurity

// The script runner itself; the scripts are in the other tests.
#include "apiserver/api_script.h"

#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "json/yaml.h"
#include "pki/key.h"

namespace wherry::apiserver {
namespace {

constexpr auto kToken = "secret";

struct Step {
  std::string request;  // "POST /path"
  std::string body;
  std::string answer;  // "201"
  std::string expected;
  std::vector<std::pair<std::string, std::string>> saves;
};

std::vector<Step> parseScript(const std::string& script) {
  std::vector<Step> steps;
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) {
    auto text = base::trim(line);
    if (text.empty() || text.front() == '#') continue;
    if (line.front() == ' ') {
      auto& step = steps.back();
      (step.answer.empty() ? step.body : step.expected).append(line).append("\n");
    } else if (text.starts_with("=> ")) {
      steps.back().answer = text.substr(3);
    } else if (text.front() == '$') {
      auto pair = base::splitOnce(text.substr(1), '=');
      steps.back().saves.emplace_back(base::trim(pair->first), base::trim(pair->second));
    } else {
      steps.push_back({std::string(text), "", "", "", {}});
    }
  }
  return steps;
}

std::string substitute(std::string text, const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) text = base::replaceAll(text, "$" + name, value);
  return text;
}

// What is wrong with `actual`; "" when `expected` is part of it.
std::string difference(const json::Value* actual, const json::Value& expected, const std::string& path) {
  auto differs = [&] {
    return fmt::format("{}: expected {}, got {}", path, json::serialize(expected),
                       actual ? json::serialize(*actual) : "nothing");
  };
  if (expected.is_null()) return actual && !actual->is_null() ? differs() : "";
  if (!actual) return differs();
  if (expected.is_string() && expected.get_string() == "*") return "";
  if (expected.is_object()) {
    if (!actual->is_object()) return differs();
    for (const auto& member : expected.get_object()) {
      auto found = difference(actual->get_object().if_contains(member.key()), member.value(),
                              path + "." + std::string(member.key()));
      if (!found.empty()) return found;
    }
    return "";
  }
  if (expected.is_array()) {
    if (!actual->is_array() || actual->get_array().size() != expected.get_array().size()) return differs();
    for (size_t i = 0; i < expected.get_array().size(); ++i) {
      auto found = difference(&actual->get_array()[i], expected.get_array()[i], path + "[" + std::to_string(i) + "]");
      if (!found.empty()) return found;
    }
    return "";
  }
  return json::equal(*actual, expected) ? "" : differs();
}

std::string contentTypeOf(std::string_view form) {
  if (form == "json") return "application/json-patch+json";
  if (form == "merge") return "application/merge-patch+json";
  if (form == "strategic") return "application/strategic-merge-patch+json";
  if (form == "apply") return "application/apply-patch+yaml";
  return "application/json";
}

// What follows the target in "GET /path as jane devs".
std::vector<std::pair<std::string, std::string>> headersOf(std::string_view requester) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (auto word : base::split(requester, ' ')) {
    headers.emplace_back(headers.empty() ? "Impersonate-User" : "Impersonate-Group", word);
  }
  return headers;
}

json::Value readAnswer(const std::string& target, const std::string& body) {
  if (target.find("watch=") == std::string::npos) return json::parse(body);
  json::Array events;
  for (auto line : base::split(body, '\n')) {
    if (!line.empty()) events.push_back(json::parse(line));
  }
  return events;
}

}  // namespace

ApiWorld::ApiWorld(client::NodeConnections nodes, ObserverOptions observer)
    : ApiWorld(storage::openMemoryStore(storeOptions("")), std::move(nodes), std::move(observer)) {}

ApiWorld::ApiWorld(std::unique_ptr<storage::Store> store, client::NodeConnections nodes, ObserverOptions observer)
    : store_(std::move(store)) {
  api_ = std::make_unique<ApiServer>(
      ApiServerOptions{.store = *store_,
                       .kinds = schema::builtinRegistry(),
                       .tokens = {{kToken, {"admin", {"system:masters"}, ""}}, {"guest", {"joe", {}, ""}}},
                       .advertiseAddress = "192.0.2.1",
                       .nodes = std::move(nodes),
                       .serviceAccountKeysPem = {pki::newPrivateKey()},
                       .observer = std::move(observer)});
  api_->start();
  net::ServerOptions options;
  options.address = "127.0.0.1";
  options.errorResponse = errorResponse;
  server_ = net::startServer(options, api_->handler());
  http_ = net::newHttpClient({.url = fmt::format("http://127.0.0.1:{}", server_->port())});
}

net::ClientResponse ApiWorld::call(const std::string& method, const std::string& target, const std::string& body,
                                   const std::vector<std::pair<std::string, std::string>>& headers) {
  net::Request request;
  request.method = method;
  request.path = target.substr(0, target.find('?'));
  if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
  request.headers.add("Authorization", std::string("Bearer ") + kToken);
  request.headers.add("User-Agent", "script/1.0");
  for (const auto& [name, value] : headers) {
    name == "Impersonate-Group" ? request.headers.add(name, value) : request.headers.set(name, value);
  }
  request.body = body;
  return http_->call(request);
}

void ApiWorld::admitPods(const std::string& ns) {
  run("POST /api/v1/namespaces/" + ns + "/serviceaccounts\n  metadata: {name: default}\n=> 201\n");
}

void ApiWorld::run(const std::string& script) {
  for (const auto& step : parseScript(script)) {
    auto pair = base::splitOnce(step.request, ' ');
    auto method = base::split(pair->first, ':');
    auto words = base::splitOnce(pair->second, ' ');
    auto target = substitute(std::string(words ? words->first : pair->second), saved_);
    auto headers = words ? headersOf(words->second.substr(std::string_view("as ").size()))
                         : std::vector<std::pair<std::string, std::string>>();
    headers.emplace_back("Content-Type", contentTypeOf(method.size() > 1 ? method[1] : ""));
    auto body = step.body.empty() ? "" : json::serialize(json::parseYaml(substitute(step.body, saved_)));
    auto answer = call(std::string(method[0]), target, body, headers);
    SCOPED_TRACE(step.request + " answered " + answer.body.substr(0, 2000));
    EXPECT_EQ(std::to_string(answer.status), step.answer);
    if (step.expected.empty() && step.saves.empty()) continue;
    auto tree = readAnswer(target, answer.body);
    if (!step.expected.empty()) {
      EXPECT_EQ(difference(&tree, json::parseYaml(substitute(step.expected, saved_)), ""), "");
    }
    for (const auto& [name, path] : step.saves) saved_[name] = json::getString(tree, path);
  }
}

}  // namespace wherry::apiserver

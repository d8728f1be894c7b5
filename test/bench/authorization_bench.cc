// What a decision costs: a user of one RoleBinding among many, in a cluster that has the default roles too.
//
//   authorization_bench [BINDINGS]     prints one line a figure
#include <chrono>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "apiserver/authorization/default_roles.h"
#include "apiserver/authorization/role_index.h"
#include "base/strings.h"

namespace {

using namespace wherry;
using namespace wherry::apiserver;
using SteadyClock = std::chrono::steady_clock;

constexpr int kDecisions = 1'000'000;
constexpr int kIndexes = 20;

RoleObjects rolesOf(int bindings) {
  RoleObjects objects;
  auto add = [&](const std::string& ns, const std::string& name, const json::Value& object) {
    if (json::find(object, "roleRef")) {
      objects.bindings[{ns, name}] = std::make_shared<const Binding>(readBinding(object));
    } else {
      objects.roles[{ns, name}] = std::make_shared<const PolicyRules>(readRules(object));
    }
  };
  for (const auto& each : defaultRoles()) add(each.ns, each.name(), each.object);
  for (int i = 0; i < bindings; ++i) {
    auto ns = fmt::format("namespace-{}", i % 100);
    auto name = fmt::format("user-{}", i);
    json::Object subject{{"kind", "User"}, {"name", name}};
    add(ns, name,
        json::Object{{"metadata", json::Object{{"name", name}, {"namespace", ns}}},
                     {"roleRef", json::Object{{"kind", "ClusterRole"}, {"name", "view"}}},
                     {"subjects", json::Array{std::move(subject)}}});
  }
  return objects;
}

template <typename F>
void measure(const char* what, int times, F&& f) {
  auto start = SteadyClock::now();
  for (int i = 0; i < times; ++i) f();
  auto nanoseconds = std::chrono::duration<double, std::nano>(SteadyClock::now() - start).count() / times;
  fmt::print("{:<40} {:>12.0f} ns\n", what, nanoseconds);
}

}  // namespace

int main(int argc, char** argv) {
  int bindings = argc > 1 ? base::parseInt<int>(argv[1]).value_or(0) : 1000;
  auto objects = rolesOf(bindings);
  RoleIndex index(objects);
  User user{"user-7", {"system:authenticated"}, ""};
  Attributes get{"get", true, "/api/v1/namespaces/namespace-7/configmaps/one", "", "v1", "configmaps"};
  get.ns = "namespace-7";
  get.name = "one";
  Attributes secret = get;
  secret.resource = "secrets";
  size_t allowed = 0;
  measure("get of a ConfigMap, permitted", kDecisions, [&] { allowed += index.decide(user, get).allowed; });
  measure("get of a Secret, refused", kDecisions, [&] { allowed += index.decide(user, secret).allowed; });
  measure("the index made anew", kIndexes, [&] { RoleIndex again(objects); });
  return allowed == kDecisions ? 0 : 1;
}

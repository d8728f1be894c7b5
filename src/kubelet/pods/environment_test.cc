#include "kubelet/pods/environment.h"

#include <gtest/gtest.h>

#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

meta::ObjectPtr object(std::string_view yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }

ObjectLookup lookup() {
  return {.configMap = [](auto, auto name) -> meta::ObjectPtr {
            if (name != "settings") return nullptr;
            return object("metadata: {name: settings}\ndata: {mode: fast, color: blue}");
          },
          .secret = [](auto, auto name) -> meta::ObjectPtr {
            if (name != "keys") return nullptr;
            return object("metadata: {name: keys}\ndata: {password: c2VjcmV0}");
          },
          .services = [](auto ns) -> std::vector<meta::ObjectPtr> {
            if (ns.empty()) return {};
            return {object("metadata: {name: my-db}\nspec: {clusterIP: 10.96.0.9, ports: [{name: sql, port: 5432}]}"),
                    object("metadata: {name: headless}\nspec: {clusterIP: None, ports: [{port: 80}]}")};
          }};
}

// The variables of a pod with this container, without PATH, HOSTNAME and those of Services.
std::vector<std::string> variables(const std::string& container, const char* metadata = "labels: {app: shop}") {
  auto pod = makePod("enableServiceLinks: false\nnodeName: node1\ncontainers:\n- " + container, metadata);
  PodFacts facts{
      .podIp = "10.244.0.7", .hostIp = "192.0.2.1", .allocatableMilliCpu = 2000, .allocatableMemory = 1 << 30};
  auto lines = resolveEnvironment(pod, pod.spec().containers()[0], {}, facts, lookup(), "web").lines();
  return {lines.begin() + 2, lines.end()};
}

std::string failure(const std::string& container) {
  try {
    variables(container);
    return "none";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

using Lines = std::vector<std::string>;

TEST(Environment, ValuesMayUseEarlierOnes) {
  EXPECT_EQ(variables("{name: web, env: [{name: A, value: x}, {name: B, value: $(A)/$(NONE)/$$(A)}]}"),
            (Lines{"A=x", "B=x/$(NONE)/$(A)"}));
}

TEST(Environment, FieldsOfThePodAndItsResources) {
  EXPECT_EQ(variables(R"({name: web, resources: {limits: {cpu: 1500m}}, env: [
    {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}},
    {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}},
    {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}},
    {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}},
    {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}},
    {name: MILLI, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}},
    {name: MEM, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}]})"),
            (Lines{"NAME=web", "APP=shop", "NODE=node1", "IP=10.244.0.7", "CPU=2", "MILLI=1500", "MEM=1024"}));
}

TEST(Environment, ConfigMapsAndSecrets) {
  EXPECT_EQ(variables(R"({name: web, envFrom: [{prefix: S_, configMapRef: {name: settings}}], env: [
    {name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}},
    {name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}},
    {name: GONE, valueFrom: {secretKeyRef: {name: other, key: x, optional: true}}}]})"),
            (Lines{"S_color=blue", "S_mode=fast", "MODE=fast", "PASSWORD=secret"}));
}

TEST(Environment, WhatIsMissingIsNamed) {
  EXPECT_EQ(failure("{name: web, envFrom: [{configMapRef: {name: other}}]}"), "configmap \"other\" not found");
  EXPECT_EQ(failure("{name: web, env: [{name: A, valueFrom: {secretKeyRef: {name: other, key: x}}}]}"),
            "secret \"other\" not found");
  EXPECT_EQ(failure("{name: web, env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: x}}}]}"),
            "couldn't find key x in ConfigMap default/settings");
}

TEST(Environment, ServicesBecomeVariables) {
  auto vars = serviceVariables(lookup().services("default"));
  Lines lines;
  for (auto& [name, value] : vars) lines.push_back(name + "=" + value);
  EXPECT_EQ(lines, (Lines{"MY_DB_SERVICE_HOST=10.96.0.9", "MY_DB_SERVICE_PORT=5432", "MY_DB_SERVICE_PORT_SQL=5432",
                          "MY_DB_PORT=tcp://10.96.0.9:5432", "MY_DB_PORT_5432_TCP=tcp://10.96.0.9:5432",
                          "MY_DB_PORT_5432_TCP_PROTO=tcp", "MY_DB_PORT_5432_TCP_PORT=5432",
                          "MY_DB_PORT_5432_TCP_ADDR=10.96.0.9"}));
}

TEST(Arguments, CommandReplacesTheImagesBothAndArgsItsCmdAlone) {
  ImageConfig image{.entrypoint = {"/entry"}, .cmd = {"serve"}};
  Environment environment;
  environment.set("WHO", "me");
  auto arguments = [&](const char* container) {
    auto pod = makePod(std::string("containers:\n- ") + container);
    return resolveArguments(pod.spec().containers()[0], image, environment);
  };
  EXPECT_EQ(arguments("{name: web}"), (Lines{"/entry", "serve"}));
  EXPECT_EQ(arguments("{name: web, args: [hello, $(WHO)]}"), (Lines{"/entry", "hello", "me"}));
  EXPECT_EQ(arguments("{name: web, command: [sh]}"), (Lines{"sh"}));
  EXPECT_EQ(arguments("{name: web, command: [sh], args: [-c, x]}"), (Lines{"sh", "-c", "x"}));
}

}  // namespace
}  // namespace wherry::kubelet

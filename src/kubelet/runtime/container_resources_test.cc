#include "kubelet/runtime/container_resources.h"

#include <gtest/gtest.h>

#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

// "shares 512 quota 50000 memory 64"; "-" for no limit.
std::string limitsOf(const std::string& spec) {
  auto limits = podLimits(makePod(spec));
  auto text = [](const std::optional<int64_t>& value) { return value ? std::to_string(*value) : "-"; };
  return "shares " + std::to_string(limits.cpuShares) + " quota " + text(limits.cpuQuota) + " memory " +
         text(limits.memoryLimit);
}

TEST(PodLimits, AreTheSumsOfItsContainers) {
  const char* half = "resources: {requests: {cpu: 500m, memory: 10}, limits: {cpu: 500m, memory: 20}}";
  const char* whole = "resources: {requests: {cpu: 1, memory: 100}, limits: {cpu: '1', memory: 100}}";
  auto container = [](const char* resources) { return std::string("{name: c, ") + resources + "}"; };
  auto sidecar = [](const char* resources) {
    return std::string("{name: s, restartPolicy: Always, ") + resources + "}";
  };
  struct Case {
    const char* name;
    std::string spec;
    const char* limits;
  };
  const Case kCases[] = {
      {"who asks for nothing gets what is left", "containers: [{name: c}]", "shares 2 quota - memory -"},
      {"also a pod without containers", "containers: []", "shares 2 quota - memory -"},
      {"one container", "containers: [" + container(half) + "]", "shares 512 quota 50000 memory 20"},
      {"two add up", "containers: [" + container(half) + ", " + container(whole) + "]",
       "shares 1536 quota 150000 memory 120"},
      {"one without a limit leaves the pod without",
       "containers: [" + container(half) + ", {name: d, resources: {requests: {cpu: 1}}}]",
       "shares 1536 quota - memory -"},
      {"a hungry init container counts alone",
       "initContainers: [" + container(whole) + "]\ncontainers: [" + container(half) + "]",
       "shares 1024 quota 100000 memory 100"},
      {"a sidecar beside all that comes later",
       "initContainers: [" + sidecar(half) + ", " + container(whole) + "]\ncontainers: [" + container(half) + "]",
       "shares 1536 quota 150000 memory 120"},
      {"what the pod says as a whole holds",
       "resources: {limits: {cpu: 2, memory: 7}, requests: {cpu: 2}}\ncontainers: [{name: c}]",
       "shares 2048 quota 200000 memory 7"},
  };
  for (const Case& c : kCases) EXPECT_EQ(limitsOf(c.spec), c.limits) << c.name;
}

}  // namespace
}  // namespace wherry::kubelet

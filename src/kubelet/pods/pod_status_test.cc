#include "kubelet/pods/pod_status.h"

#include <gtest/gtest.h>

#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

const base::WallTime kNow{1'700'000'000s};  // 2023-11-14T22:13:20Z

ContainerRecord web(const core_v1::Pod& pod) {
  return {.podUid = kTestUid,
          .name = "web",
          .image = "nginx",
          .imageId = "docker.io/library/nginx@sha256:abc",
          .specHash = specHashOf(pod.spec().containers()[0]),
          .createdAt = kNow - 60s,
          .startedAt = kNow - 60s};
}

Observation seen(std::vector<ContainerRecord> containers) {
  return {.now = kNow, .sandbox = true, .prepared = true, .podIp = "10.244.0.7", .containers = std::move(containers)};
}

// The status' `path` as YAML.
std::string statusOf(const core_v1::Pod& pod, const Observation& observation, std::string_view path) {
  json::Value status = renderPodStatus(pod, observation, {"192.0.2.1"});
  const json::Value* found = json::find(status, path);
  return found ? json::renderYaml(*found) : "missing\n";
}

TEST(PodStatus, ARunningPod) {
  auto pod = makePod("containers: [{name: web, image: nginx}]", "generation: 2",
                     "conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: 2023-11-14T22:00:00Z}]\n"
                     "startTime: 2023-11-14T22:00:00Z");
  json::Value status = renderPodStatus(pod, seen({web(pod)}), {"192.0.2.1"});
  EXPECT_TRUE(json::equal(status, json::parseYaml(R"(
phase: Running
observedGeneration: 2
conditions:
- {type: PodReadyToStartContainers, status: "True", lastProbeTime: null, observedGeneration: 2, lastTransitionTime: "2023-11-14T22:13:20Z"}
- {type: Initialized, status: "True", lastProbeTime: null, observedGeneration: 2, lastTransitionTime: "2023-11-14T22:13:20Z"}
- {type: Ready, status: "True", lastProbeTime: null, observedGeneration: 2, lastTransitionTime: "2023-11-14T22:13:20Z"}
- {type: ContainersReady, status: "True", lastProbeTime: null, observedGeneration: 2, lastTransitionTime: "2023-11-14T22:13:20Z"}
- {type: PodScheduled, status: "True", lastTransitionTime: "2023-11-14T22:00:00Z"}
hostIP: 192.0.2.1
hostIPs: [{ip: 192.0.2.1}]
podIP: 10.244.0.7
podIPs: [{ip: 10.244.0.7}]
startTime: "2023-11-14T22:00:00Z"
containerStatuses:
- name: web
  state: {running: {startedAt: "2023-11-14T22:12:20Z"}}
  lastState: {}
  ready: true
  restartCount: 0
  image: docker.io/library/nginx:latest
  imageID: docker.io/library/nginx@sha256:abc
  containerID: crun://11111111-2222-3333-4444-555555555555-web-0
  started: true
  resources: {}
)"))) << json::renderYaml(status);
}

TEST(PodStatus, WritesNothingNewWhenNothingChanged) {
  auto pod = makePod("containers: [{name: web, image: nginx}]");
  Observation before = seen({web(pod)});
  json::Value first = renderPodStatus(pod, before, {"192.0.2.1"});
  auto known = makePod("containers: [{name: web, image: nginx}]", {}, json::renderYaml(first));
  before.now += 3600s;
  EXPECT_TRUE(json::equal(renderPodStatus(known, before, {"192.0.2.1"}), first));
}

TEST(PodStatus, WhatTheNodeGivesUpHasFailed) {
  auto pod = makePod("containers: [{name: web, image: nginx}]");
  Observation evicted = seen({web(pod)});
  evicted.end = PodEnd{.reason = "Evicted", .message = "The node was low on resource: memory. "};
  EXPECT_EQ(statusOf(pod, evicted, "phase"), "Failed\n");
  EXPECT_EQ(statusOf(pod, evicted, "reason"), "Evicted\n");
  json::Value status = renderPodStatus(pod, evicted, {"192.0.2.1"});
  const auto& last = status.at("conditions").as_array().back();
  EXPECT_EQ(json::getString(last, "type"), "DisruptionTarget");
  EXPECT_EQ(json::getString(last, "reason"), "TerminationByKubelet");
  EXPECT_EQ(json::getString(last, "message"), "The node was low on resource: memory. ");
  // And stays so, also when nothing is remembered of it.
  auto known = makePod("containers: [{name: web, image: nginx}]", {}, json::renderYaml(status));
  EXPECT_TRUE(json::equal(renderPodStatus(known, seen({web(pod)}), {"192.0.2.1"}), status));
}

TEST(PodStatus, WhatTheNodeRefusesHasNoContainers) {
  auto pod = makePod("containers: [{name: web, image: nginx}]");
  Observation refused = seen({});
  refused.end = PodEnd{.reason = "NodeShutdown",
                       .message = "Pod was rejected as the node is shutting down.",
                       .kind = PodEnd::Kind::kRefused};
  EXPECT_EQ(statusOf(pod, refused, "reason"), "NodeShutdown\n");
  EXPECT_EQ(statusOf(pod, refused, "containerStatuses"), "missing\n");
  EXPECT_EQ(json::serialize(renderPodStatus(pod, refused, {"192.0.2.1"})).find("DisruptionTarget"), std::string::npos);
}

TEST(PodStatus, WhatAWaitingContainerSays) {
  auto pod = makePod("containers: [{name: web, image: nosuch}]");
  Observation pulling = seen({});
  EXPECT_EQ(statusOf(pod, pulling, "phase"), "Pending\n");
  EXPECT_EQ(statusOf(pod, pulling, "containerStatuses.0.state.waiting"), "reason: ContainerCreating\n");
  EXPECT_EQ(statusOf(pod, pulling, "conditions.2.message"), "\"containers with unready status: [web]\"\n");
  pulling.failures["web"] = {"ErrImagePull", "no such image", kNow - 1s, 10s};
  EXPECT_EQ(statusOf(pod, pulling, "containerStatuses.0.state.waiting"),
            "reason: ErrImagePull\nmessage: no such image\n");
  pulling.now += 5s;
  EXPECT_EQ(statusOf(pod, pulling, "containerStatuses.0.state.waiting.message"),
            "\"Back-off pulling image \\\"nosuch\\\": ErrImagePull: no such image\"\n");
}

TEST(PodStatus, ACrashingContainerShowsItsLastEnd) {
  auto pod = makePod("containers: [{name: web, image: nginx}]\nrestartPolicy: Always");
  ContainerRecord crashed = web(pod);
  crashed.attempt = 3;
  crashed.finishedAt = kNow - 1s;
  crashed.exitCode = 7;
  crashed.reason = "Error";
  crashed.crashDelay = 80s;
  Observation observation = seen({crashed});
  EXPECT_EQ(statusOf(pod, observation, "phase"), "Running\n");
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.state.waiting.message"),
            "back-off 1m20s restarting failed container=web pod=web_default(11111111-2222-3333-4444-555555555555)\n");
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.lastState.terminated.exitCode"), "7\n");
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.restartCount"), "3\n");
}

TEST(PodStatus, HowAPodEnds) {
  auto pod = makePod("containers: [{name: web, image: busybox}]\nrestartPolicy: Never");
  ContainerRecord ended = web(pod);
  ended.finishedAt = kNow;
  ended.reason = "Completed";
  EXPECT_EQ(statusOf(pod, seen({ended}), "phase"), "Succeeded\n");
  EXPECT_EQ(statusOf(pod, seen({ended}), "conditions.2.reason"), "PodCompleted\n");
  ended.exitCode = 1;
  EXPECT_EQ(statusOf(pod, seen({ended}), "phase"), "Failed\n");
  EXPECT_EQ(statusOf(pod, seen({ended}), "containerStatuses.0.state.terminated.exitCode"), "1\n");
  auto late = makePod("containers: [{name: web, image: busybox}]\nactiveDeadlineSeconds: 1", {},
                      "startTime: 2023-11-14T22:00:00Z");
  EXPECT_EQ(statusOf(late, seen({}), "reason"), "DeadlineExceeded\n");
}

TEST(PodStatus, AProbeDecidesWhetherARunningContainerIsReady) {
  auto pod = makePod("containers: [{name: web, image: nginx, readinessProbe: {}}]");
  Observation observation = seen({web(pod)});
  observation.probes[web(pod).id()] = {.started = true, .ready = false};
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.ready"), "false\n");
  EXPECT_EQ(statusOf(pod, observation, "conditions.2.status"), "\"False\"\n");
  observation.probes[web(pod).id()].ready = true;
  EXPECT_EQ(statusOf(pod, observation, "conditions.2.status"), "\"True\"\n");
}

TEST(PodStatus, WhatAContainerHas) {
  auto pod = makePod(
      "containers: [{name: web, image: nginx, resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}},"
      " volumeMounts: [{name: v, mountPath: /v, readOnly: true}, {name: w, mountPath: /w}, "
      "{name: x, mountPath: /x, readOnly: true, recursiveReadOnly: IfPossible}]}]");
  ContainerRecord record = web(pod);
  record.user = json::Object{{"uid", 101}, {"gid", 102}, {"additionalGids", json::Array{102, 5}}};
  Observation observation = seen({record});
  auto is = [&](const char* field, const char* yaml) {
    EXPECT_TRUE(json::equal(json::parseYaml(statusOf(pod, observation, std::string("containerStatuses.0.") + field)),
                            json::parseYaml(yaml)))
        << field;
  };
  is("resources", "{requests: {cpu: 100m}, limits: {memory: 1Gi}}");
  is("allocatedResources", "{cpu: 100m}");
  is("user", "{linux: {uid: 101, gid: 102, supplementalGroups: [102, 5]}}");
  is("volumeMounts",
     "[{name: v, mountPath: /v, readOnly: true, recursiveReadOnly: Disabled}, {name: w, mountPath: /w}, "
     "{name: x, mountPath: /x, readOnly: true, recursiveReadOnly: Enabled}]");
}

TEST(PodStatus, LastWordsShareTwelveKiB) {
  std::string spec = "restartPolicy: Never\ncontainers: [{name: web, image: nginx}";
  for (char name = 'a'; name < 'h'; ++name) spec += std::string(", {name: ") + name + ", image: i}";
  auto pod = makePod(spec + "]");
  ContainerRecord ended = web(pod);
  ended.finishedAt = kNow;
  ended.message = std::string(4096, 'x');
  json::Value status = renderContainerStatus(pod, pod.spec().containers()[0], ContainerKind::kRegular, seen({ended}));
  EXPECT_EQ(json::getString(status, "state.terminated.message").size(), 12288u / 8);
}

TEST(PodStatus, ARefusedPodSaysWhy) {
  auto pod =
      makePod("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}\ncontainers: [{name: web, image: i}]");
  EXPECT_EQ(statusOf(pod, seen({}), "phase"), "Failed\n");
  EXPECT_EQ(statusOf(pod, seen({}), "reason"), "SysctlForbidden\n");
  EXPECT_EQ(statusOf(pod, seen({}), "containerStatuses"), "missing\n");
  EXPECT_EQ(statusOf(pod, seen({}), "message"),
            "\"Pod was rejected: forbidden sysctl: \\\"kernel.msgmax\\\" not allowlisted\"\n");
}

TEST(PodStatus, AContainerIsNotUpBeforeItsPostStartHookIsOver) {
  auto pod = makePod("containers: [{name: web, image: nginx}]");
  Observation observation = seen({web(pod)});
  observation.postStart[web(pod).id()] = {};
  EXPECT_EQ(statusOf(pod, observation, "phase"), "Pending\n");
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.state.waiting"), "reason: ContainerCreating\n");
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.started"), "false\n");
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.ready"), "false\n");
  observation.postStart[web(pod).id()] = {true, "it said no"};
  EXPECT_EQ(statusOf(pod, observation, "containerStatuses.0.state.waiting"),
            "reason: PostStartHookError\nmessage: it said no\n");
}

TEST(PodStatus, SidecarsCountForReadinessAndForTheEnd) {
  auto pod = makePod(
      "initContainers: [{name: proxy, image: p, restartPolicy: Always, readinessProbe: {}}]\n"
      "containers: [{name: web, image: nginx}]\nrestartPolicy: Never",
      {}, "phase: Running");
  ContainerRecord proxy{.podUid = kTestUid,
                        .name = "proxy",
                        .kind = ContainerKind::kSidecar,
                        .createdAt = kNow - 60s,
                        .startedAt = kNow - 60s};
  ContainerRecord main = web(pod);
  Observation observation = seen({proxy, main});
  observation.probes[proxy.id()] = {.started = true, .ready = false};
  EXPECT_EQ(statusOf(pod, observation, "conditions.3.message"), "\"containers with unready status: [proxy]\"\n");
  EXPECT_EQ(statusOf(pod, observation, "conditions.1.status"), "\"True\"\n");
  observation.containers[1].finishedAt = kNow;
  EXPECT_EQ(statusOf(pod, observation, "phase"), "Running\n") << "the sidecar still runs";
  observation.containers[0].finishedAt = kNow;
  observation.containers[0].exitCode = 137;
  EXPECT_EQ(statusOf(pod, observation, "phase"), "Succeeded\n") << "how a sidecar ended does not matter";
}

TEST(PodStatus, AReadinessGateHoldsThePodBackButNotItsContainers) {
  auto pod = makePod("containers: [{name: web, image: nginx}]\nreadinessGates: [{conditionType: example.com/gate}]");
  EXPECT_EQ(statusOf(pod, seen({web(pod)}), "conditions.2.reason"), "ReadinessGatesNotReady\n");
  EXPECT_EQ(statusOf(pod, seen({web(pod)}), "conditions.3.status"), "\"True\"\n");
  EXPECT_EQ(statusOf(pod, seen({web(pod)}), "conditions.2.message"),
            "corresponding condition of pod readiness gate \"example.com/gate\" does not exist.\n");
}

TEST(PodStatus, EphemeralContainersAreShownAndCountForNothing) {
  auto pod =
      makePod("containers: [{name: web, image: nginx}]\nephemeralContainers: [{name: debugger, image: busybox}]");
  ContainerRecord debugger{.podUid = kTestUid,
                           .name = "debugger",
                           .kind = ContainerKind::kEphemeral,
                           .createdAt = kNow - 9s,
                           .startedAt = kNow - 9s};
  EXPECT_EQ(statusOf(pod, seen({web(pod)}), "ephemeralContainerStatuses.0.state.waiting.reason"),
            "ContainerCreating\n");
  EXPECT_EQ(statusOf(pod, seen({web(pod), debugger}), "ephemeralContainerStatuses.0.state"),
            "running:\n  startedAt: \"2023-11-14T22:13:11Z\"\n");
  EXPECT_EQ(statusOf(pod, seen({web(pod), debugger}), "ephemeralContainerStatuses.0.ready"), "false\n");
  debugger.finishedAt = kNow;
  debugger.exitCode = 7;
  EXPECT_EQ(statusOf(pod, seen({web(pod), debugger}), "ephemeralContainerStatuses.0.state.terminated.exitCode"), "7\n");
  EXPECT_EQ(statusOf(pod, seen({web(pod), debugger}), "phase"), "Running\n");
  EXPECT_EQ(statusOf(pod, seen({web(pod), debugger}), "conditions.2.status"), "\"True\"\n");
}

TEST(PodStatus, InitContainersAreShownAndHoldThePodPending) {
  auto pod = makePod("initContainers: [{name: first, image: a}]\ncontainers: [{name: web, image: nginx}]");
  EXPECT_EQ(statusOf(pod, seen({}), "phase"), "Pending\n");
  EXPECT_EQ(statusOf(pod, seen({}), "containerStatuses.0.state.waiting.reason"), "PodInitializing\n");
  EXPECT_EQ(statusOf(pod, seen({}), "initContainerStatuses.0.state.waiting.reason"), "PodInitializing\n");
  EXPECT_EQ(statusOf(pod, seen({}), "conditions.1.message"), "\"containers with incomplete status: [first]\"\n");
}

}  // namespace
}  // namespace wherry::kubelet

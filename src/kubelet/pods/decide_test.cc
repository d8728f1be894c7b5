#include "kubelet/pods/decide.h"

#include "kubelet/pods/decide_cases.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

TEST(Decide, HowAPodBegins) {
  check({
      {"a new pod is prepared",
       makePod(kOne),
       {},
       {"prepare"},
       -1,
       [](Observation& o) { o.sandbox = o.prepared = false; }},
      {"then its container starts", makePod(kOne), {}, {"start web, attempt 0"}},
      {"all containers start together",
       makePod("containers: [{name: a, image: x}, {name: b, image: y}]"),
       {},
       {"start a, attempt 0", "start b, attempt 0"}},
      {"what runs is left alone", makePod(kOne), {{"web"}}, {}},
      {"a preparation that failed is tried again after its delay",
       makePod(kOne),
       {},
       {},
       7,
       [](Observation& o) {
         o.prepared = false;
         o.prepareFailure = Failure{"FailedMount", "", kNow - 3s, 10s};
       }},
      {"volumes with a token are looked at again when it gets old",
       makePod(kOne),
       {{"web"}},
       {},
       30,
       [](Observation& o) { o.volumesUntil = kNow + 30s; }},
      {"which is not a preparation: containers start and end meanwhile",
       makePod(kOne),
       {},
       {"refresh volumes", "start web, attempt 0"},
       -1,
       [](Observation& o) { o.volumesUntil = kNow; }},
      {"one that failed waits for its delay, and the token with it",
       makePod(kOne),
       {{"web"}},
       {},
       7,
       [](Observation& o) {
         o.volumesUntil = kNow - 3s;
         o.refreshFailure = Failure{"FailedMount", "", kNow - 3s, 10s};
       }},
      {"what changed under the volumes is shown by them",
       makePod(kOne),
       {{"web"}},
       {"refresh volumes"},
       -1,
       [](Observation& o) { o.volumesStale = true; }},
      {"what can't be had keeps no container from its restart",
       makePod(kOne),
       {{"web", 0, 60, 30, 1, 10}},
       {"start web, attempt 1"},
       7,
       [](Observation& o) {
         o.volumesStale = true;
         o.refreshFailure = Failure{"FailedMount", "", kNow - 3s, 10s};
       }},
      {"before the first preparation there is nothing to refresh",
       makePod(kOne),
       {},
       {"prepare"},
       -1,
       [](Observation& o) {
         o.prepared = false;
         o.volumesStale = true;
       }},
      {"a pod that is over needs no token",
       makePod(kNever),
       {{"web", 0, 60, 1, 0}},
       {"release sandbox"},
       -1,
       [](Observation& o) { o.volumesUntil = kNow - 3s; }},
      {"an image that can't be had is tried again after its delay",
       makePod(kOne),
       {},
       {},
       2,
       [](Observation& o) {
         o.failures["web"] = {"ErrImagePull", "", kNow - 3s, 10s};
       }},
      {"when the delay is over",
       makePod(kOne),
       {},
       {"start web, attempt 0"},
       -1,
       [](Observation& o) {
         o.failures["web"] = {"ErrImagePull", "", kNow - 10s, 10s};
       }},
      {"a sandbox that is lost takes its containers with it",
       makePod(kOne),
       {{"web"}},
       {"stop web-0 within 0 s: Pod sandbox changed, it will be killed and re-created."},
       -1,
       [](Observation& o) { o.sandbox = o.prepared = false; }},
  });
}

TEST(Decide, HowContainersAreRestarted) {
  check({
      {"the first end is followed by a start at once", makePod(kOne), {{"web", 0, 60, 1, 1}}, {"start web, attempt 1"}},
      {"also after success under Always", makePod(kOne), {{"web", 0, 60, 1, 0}}, {"start web, attempt 1"}},
      {"the second waits ten seconds", makePod(kOne), {{"web", 1, 60, 4, 1, 10}}, {"back off web"}, 6},
      {"and then starts", makePod(kOne), {{"web", 1, 60, 10, 1, 10}}, {"start web, attempt 2"}},
      {"who ran ten minutes starts at once again",
       makePod(kOne),
       {{"web", 7, 700, 1, 1, 300}},
       {"start web, attempt 8"}},
      {"OnFailure leaves a success alone", makePod(kOnFailure), {{"web", 0, 60, 1, 0}}, {"release sandbox"}},
      {"OnFailure restarts a failure", makePod(kOnFailure), {{"web", 0, 60, 1, 2}}, {"start web, attempt 1"}},
      {"Never restarts nothing", makePod(kNever), {{"web", 0, 60, 1, 2}}, {"release sandbox"}},
      {"one of two ended under Never: the other runs on",
       makePod("containers: [{name: a, image: x}, {name: b, image: y}]\nrestartPolicy: Never"),
       {{"a", 0, 60, 1, 1}, {"b"}},
       {}},
      {"only the newest attempt and the one before are kept",
       makePod(kOne),
       {{"web", 0, 90, 80}, {"web", 1, 70, 60}, {"web", 2}},
       {"forget web-0"}},
  });
}

TEST(Decide, AContainersOwnRulesComeBeforeThePods) {
  auto one = [](const char* rules, const char* policy) {
    return makePod(std::string("containers: [{name: web, image: nginx, ") + rules + "}]\nrestartPolicy: " + policy);
  };
  const char* on42 =
      "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]";
  const char* not0 =
      "restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [0]}}]";
  check({
      {"a rule that matches restarts", one(on42, "Never"), {{"web", 0, 60, 1, 42}}, {"start web, attempt 1"}},
      {"one that does not leaves it to the policy", one(on42, "Always"), {{"web", 0, 60, 1, 41}}, {"release sandbox"}},
      {"a rule may name what it is not about", one(not0, "Never"), {{"web", 0, 60, 1, 7}}, {"start web, attempt 1"}},
      {"and then", one(not0, "Never"), {{"web", 0, 60, 1, 0}}, {"release sandbox"}},
      {"a container's policy alone",
       one("restartPolicy: OnFailure", "Never"),
       {{"web", 0, 60, 1, 1}},
       {"start web, attempt 1"}},
  });
}

TEST(Decide, WhatTheNodeRefusesIsOver) {
  auto with = [](const char* sysctl, const char* more) {
    return makePod(std::string("securityContext: {sysctls: [{name: ") + sysctl + ", value: '1'}]}\n" + more +
                   "\ncontainers: [{name: web, image: nginx}]");
  };
  auto fresh = [](Observation& o) { o.sandbox = o.prepared = false; };
  check({
      {"a setting of the pod's own", with("net.ipv4.tcp_syncookies", ""), {}, {"prepare"}, -1, fresh},
      {"also with slashes", with("net/ipv4/tcp_syncookies", ""), {}, {"prepare"}, -1, fresh},
      {"one of the whole machine", with("vm.swappiness", ""), {}, {}, -1, fresh},
      {"one of a network that is the node's", with("net.ipv4.tcp_syncookies", "hostNetwork: true"), {}, {}, -1, fresh},
      {"one of the node's IPC", with("kernel.shm_rmid_forced", "hostIPC: true"), {}, {}, -1, fresh},
  });
}

TEST(Decide, DelaysDoubleUpToFiveMinutes) {
  ContainerRecord ended = record(makePod(kOne), {"web", 0, 60, 1, 1, 0});
  std::vector<int64_t> delays;
  for (int i = 0; i < 8; ++i) {
    ended.crashDelay = nextCrashDelay(ended);
    delays.push_back(ended.crashDelay.count());
  }
  EXPECT_EQ(delays, (std::vector<int64_t>{10, 20, 40, 80, 160, 300, 300, 300}));
}

TEST(Decide, HowInitContainersGoFirst) {
  using enum ContainerKind;
  check({
      {"one after the other", makePod(kWithInit), {}, {"start first, attempt 0"}},
      {"the second waits for the first", makePod(kWithInit), {{"first", 0, 60, -1, 0, 0, kInit}}, {}},
      {"and starts after its success",
       makePod(kWithInit),
       {{"first", 0, 60, 1, 0, 0, kInit}},
       {"start second, attempt 0"}},
      {"a failed one is repeated", makePod(kWithInit), {{"first", 0, 60, 1, 1, 0, kInit}}, {"start first, attempt 1"}},
      {"after all, the containers",
       makePod(kWithInit),
       {{"first", 0, 60, 9, 0, 0, kInit}, {"second", 0, 8, 1, 0, 0, kInit}},
       {"start web, attempt 0"}},
      {"a failed one under Never fails the pod",
       makePod(std::string(kWithInit) + "\nrestartPolicy: Never"),
       {{"first", 0, 60, 1, 1, 0, kInit}},
       {"release sandbox"}},
      {"a sidecar only has to run",
       makePod(kWithSidecar),
       {{"proxy", 0, 60, -1, 0, 0, kSidecar}},
       {"start web, attempt 0"}},
      {"a sidecar is restarted under Never too",
       makePod(kWithSidecar),
       {{"proxy", 0, 60, 1, 0, 0, kSidecar}, {"web"}},
       {"start proxy, attempt 1"}},
      {"in a new sandbox init containers run again",
       makePod(kWithInit),
       {{"first", 0, 60, 9, 0, 0, kInit}, {"second", 0, 8, 1, 0, 0, kInit}},
       {"start first, attempt 1"},
       -1,
       [](Observation& o) { o.sandboxAttempt = 1; }},
  });
}

TEST(Decide, SidecarsServeToTheEnd) {
  using enum ContainerKind;
  const char* deleting = "deletionTimestamp: 2023-11-14T22:13:50Z\ndeletionGracePeriodSeconds: 30";
  const char* two =
      "initContainers: [{name: first, image: a, restartPolicy: Always}, {name: second, image: b, restartPolicy: "
      "Always}]\ncontainers: [{name: web, image: nginx}]\nrestartPolicy: Never";
  const Was first{"first", 0, 60, -1, 0, 0, kSidecar}, second{"second", 0, 60, -1, 0, 0, kSidecar};
  auto ready = [](std::vector<const char*> names, std::chrono::seconds killIn = 20s) {
    return [=](Observation& o) {
      for (const char* name : names) o.stopping[idOf(name, 0)] = {kNow + killIn, true};
    };
  };
  check({
      {"when the containers have ended the sidecars do",
       makePod(kWithSidecar),
       {{"proxy", 0, 60, -1, 0, 0, kSidecar}, {"web", 0, 60, 1}},
       {"stop proxy-0 within 30 s: Stopping container proxy"}},
      {"the hooks of all begin at once",
       makePod(two, deleting),
       {first, second, {"web"}},
       {"stop first-0 within 30 s: Stopping container first", "stop second-0 within 30 s: Stopping container second",
        "stop web-0 within 30 s: Stopping container web"}},
      {"but only a container gets its signal before the others have ended",
       makePod(two, deleting),
       {first, second, {"web"}},
       {"signal web-0"},
       20,
       ready({"first", "second", "web"})},
      {"then the last sidecar",
       makePod(two, deleting),
       {first, second, {"web", 0, 60, 1}},
       {"signal second-0"},
       20,
       ready({"first", "second"})},
      {"then the one before it",
       makePod(two, deleting),
       {first, {"second", 0, 60, 1, 0, 0, kSidecar}, {"web", 0, 60, 1}},
       {"signal first-0"},
       -1,
       ready({"first"})},
      {"nobody waits longer than the grace period",
       makePod(two, deleting),
       {first, second, {"web"}},
       {"signal first-0", "signal second-0", "signal web-0"},
       -1,
       ready({"first", "second", "web"}, -1s)},
      {"nobody restarts a sidecar while the pod ends",
       makePod(two, deleting),
       {{"first", 0, 60, 1, 0, 0, kSidecar}, second, {"web", 0, 60, 1}},
       {"stop second-0 within 30 s: Stopping container second"}},
      {"one whose startup probe has not succeeded holds back the rest",
       makePod(two),
       {first},
       {},
       -1,
       [](Observation& o) { o.probes[idOf("first", 0)] = {}; }},
      {"its liveness probe restarts it",
       makePod(two),
       {first, second, {"web"}},
       {"stop second-0 within 30 s: Container second failed liveness probe, will be restarted"},
       -1,
       [](Observation& o) {
         o.probes[idOf("second", 0)] = {true, false, "liveness"};
       }},
  });
}

TEST(Decide, PostStartHooksHoldBackWhatStandsAfterThem) {
  const char* hooked =
      "containers: [{name: a, image: x, lifecycle: {postStart: {exec: {command: ['true']}}}}, {name: b, image: y}]";
  const char* sidecar =
      "initContainers: [{name: a, image: x, restartPolicy: Always, lifecycle: {postStart: {sleep: {seconds: 1}}}}]\n"
      "containers: [{name: b, image: y}]";
  auto hook = [](bool failed) { return [=](Observation& o) { o.postStart[idOf("a", 0)] = {failed, ""}; }; };
  check({
      {"it comes first", makePod(hooked), {}, {"start a, attempt 0"}},
      {"the next one waits for its hook", makePod(hooked), {{"a"}}, {}, -1, hook(false)},
      {"and starts when that is over", makePod(hooked), {{"a"}}, {"start b, attempt 0"}},
      {"one that runs already is not touched", makePod(hooked), {{"a"}, {"b"}}, {}, -1, hook(false)},
      {"a hook that fails ends its container",
       makePod(hooked),
       {{"a"}, {"b"}},
       {"stop a-0 within 30 s: FailedPostStartHook"},
       -1,
       hook(true)},
      {"one that can't be started holds back nobody",
       makePod(hooked),
       {},
       {"start b, attempt 0"},
       5,
       [](Observation& o) {
         o.failures["a"] = {"ErrImagePull", "", kNow, 10s};
       }},
      {"a sidecar's hook holds back the containers",
       makePod(sidecar),
       {{"a", 0, 60, -1, 0, 0, ContainerKind::kSidecar}},
       {},
       -1,
       hook(false)},
  });
}

TEST(Decide, EphemeralContainersRunOnce) {
  using enum ContainerKind;
  const char* debugged =
      "initContainers: [{name: first, image: a}]\ncontainers: [{name: web, image: nginx}]\n"
      "ephemeralContainers: [{name: debugger, image: b, targetContainerName: web}]";
  check({
      {"one starts beside what runs",
       makePod(debugged),
       {{"first", 0, 60, 9, 0, 0, kInit}, {"web"}},
       {"start debugger, attempt 0"}},
      {"and beside an init container that does not end",
       makePod(debugged),
       {{"first", 0, 60, -1, 0, 0, kInit}},
       {"start debugger, attempt 0"}},
      {"never again, however it ended",
       makePod(std::string(debugged) + "\nrestartPolicy: Always"),
       {{"debugger", 0, 60, 9, 1, 0, kEphemeral}, {"first", 0, 60, 9, 0, 0, kInit}, {"web"}},
       {}},
      {"it does not keep a pod from its end",
       makePod(std::string(debugged) + "\nrestartPolicy: Never"),
       {{"debugger", 0, 60, -1, 0, 0, kEphemeral}, {"first", 0, 60, 9, 0, 0, kInit}, {"web", 0, 60, 1}},
       {"stop debugger-0 within 30 s: Stopping container debugger"}},
  });
}

TEST(CrashDelay, GrowsForAContainerThatCanNotBeStarted) {
  base::WallTime now = base::WallTime(std::chrono::hours(24 * 365 * 50));
  ContainerRecord failed{.crashDelay = std::chrono::seconds(10),
                         .createdAt = now - std::chrono::seconds(1),
                         .startedAt = base::WallTime(),  // as its status shows it
                         .finishedAt = now,
                         .exitCode = 128,
                         .reason = "StartError"};
  EXPECT_EQ(restartAt(failed), now + std::chrono::seconds(10));
  EXPECT_EQ(nextCrashDelay(failed), std::chrono::seconds(20));
}

}  // namespace
}  // namespace wherry::kubelet

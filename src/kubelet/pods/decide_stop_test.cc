// What ends a pod, and what ends one of its containers.
#include "kubelet/pods/decide.h"
#include "kubelet/pods/decide_cases.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

TEST(Decide, HowAPodEnds) {
  const char* deleting = "deletionTimestamp: 2023-11-14T22:13:50Z\ndeletionGracePeriodSeconds: 30";
  const char* force = "deletionTimestamp: 2023-11-14T22:13:20Z\ndeletionGracePeriodSeconds: 0";
  auto stopping = [](std::chrono::seconds killIn, bool ready = true, bool signalled = true) {
    return [=](Observation& o) { o.stopping[idOf("web", 0)] = {kNow + killIn, ready, signalled}; };
  };
  check({
      {"a deleted pod's containers are stopped",
       makePod(kOne, deleting),
       {{"web"}},
       {"stop web-0 within 30 s: Stopping container web"}},
      {"their hooks are waited for", makePod(kOne, deleting), {{"web"}}, {}, 12, stopping(12s, false, false)},
      {"then comes the signal", makePod(kOne, deleting), {{"web"}}, {"signal web-0"}, -1, stopping(12s, true, false)},
      {"also when the hook has used up the time",
       makePod(kOne, deleting),
       {{"web"}},
       {"signal web-0"},
       -1,
       stopping(-1s, false, false)},
      {"then waited for", makePod(kOne, deleting), {{"web"}}, {}, 12, stopping(12s)},
      {"then killed", makePod(kOne, deleting), {{"web"}}, {"kill web-0"}, -1, stopping(-1s)},
      {"a deletion without grace shortens an earlier one",
       makePod(kOne, force),
       {{"web"}},
       {"kill web-0"},
       -1,
       stopping(12s)},
      {"as does one with less",
       makePod(kOne, "deletionTimestamp: 2023-11-14T22:13:22Z\ndeletionGracePeriodSeconds: 2"),
       {{"web"}},
       {"hurry web-0 to 2 s"},
       -1,
       [](Observation& o) {
         o.stopping[idOf("web", 0)] = {kNow + 12s, true, true, false, 30s};
       }},
      {"once",
       makePod(kOne, "deletionTimestamp: 2023-11-14T22:13:22Z\ndeletionGracePeriodSeconds: 2"),
       {{"web"}},
       {},
       1,
       [](Observation& o) {
         o.stopping[idOf("web", 0)] = {kNow + 1s, true, true, false, 2s};
       }},
      {"when all have ended the pod goes", makePod(kOne, deleting), {{"web", 0, 60, 1, 0}}, {"delete pod"}},
      {"one that never started goes at once",
       makePod(kOne, deleting),
       {},
       {"delete pod"},
       -1,
       [](Observation& o) { o.sandbox = o.prepared = false; }},
      {"nothing is restarted while it ends",
       makePod("containers: [{name: a, image: x}, {name: b, image: y}]", deleting),
       {{"a", 0, 60, 1, 1}, {"b"}},
       {"stop b-0 within 30 s: Stopping container b"}},
      {"a pod over its deadline is ended",
       makePod("containers: [{name: web, image: nginx}]\nactiveDeadlineSeconds: 10", {},
               "startTime: 2023-11-14T22:13:00Z"),
       {{"web"}},
       {"stop web-0 within 30 s: Stopping container web"}},
      {"a deadline to come is waited for",
       makePod("containers: [{name: web, image: nginx}]\nactiveDeadlineSeconds: 30", {},
               "startTime: 2023-11-14T22:13:00Z"),
       {{"web"}},
       {},
       10},
      {"a pod that succeeded long ago needs nothing",
       makePod(kNever, {}, "phase: Succeeded"),
       {{"web", 0, 60, 1}},
       {},
       -1,
       [](Observation& o) { o.sandbox = o.prepared = false; }},
  });
}

TEST(Decide, WhatTheNodeGivesUpEnds) {
  auto evicted = [](Observation& o) { o.end = PodEnd{.reason = "Evicted", .grace = 1s}; };
  check({
      {"within the time that it has",
       makePod(kOne),
       {{"web"}},
       {"stop web-0 within 1 s: Stopping container web"},
       -1,
       evicted},
      {"and is not started again", makePod(kOne), {{"web", 0, 60, 1, 0}}, {"release sandbox"}, -1, evicted},
      {"also what had more time before",
       makePod(kOne, "deletionTimestamp: 2023-11-14T22:13:50Z\ndeletionGracePeriodSeconds: 3600"),
       {{"web"}},
       {},
       11,
       [=](Observation& o) {
         o.stopping[idOf("web", 0)] = {kNow + 3600s, true, true};
         o.end = PodEnd{.reason = "Terminated", .grace = 10s, .until = kNow + 9s};
       }},
      {"what is left of its volumes goes, also without a sandbox",
       makePod(kOne),
       {{"web", 0, 60, 1, 0}},
       {"release sandbox"},
       -1,
       [=](Observation& o) {
         evicted(o);
         o.sandbox = o.prepared = false;
         o.volumes = true;
       }},
      {"one that has not begun never does",
       makePod(kOne),
       {},
       {},
       -1,
       [=](Observation& o) {
         evicted(o);
         o.sandbox = o.prepared = false;
       }},
  });
}

TEST(Decide, WhatProbesAndChangesDoToARunningContainer) {
  const char* probed = "containers: [{name: web, image: nginx, livenessProbe: {terminationGracePeriodSeconds: 5}}]";
  auto failed = [](const char* kind) {
    return [=](Observation& o) { o.probes[idOf("web", 0)] = {true, false, kind}; };
  };
  check({
      {"a failed liveness probe ends it",
       makePod(probed),
       {{"web"}},
       {"stop web-0 within 5 s: Container web failed liveness probe, will be restarted"},
       -1,
       failed("liveness")},
      {"a failed startup probe too",
       makePod(kOne),
       {{"web"}},
       {"stop web-0 within 30 s: Container web failed startup probe, will be restarted"},
       -1,
       failed("startup")},
      {"not being ready does not", makePod(kOne), {{"web"}}, {}, -1, failed("")},
      {"another image does",
       makePod(kOne),
       {{"web"}},
       {"stop web-0 within 30 s: Container web definition changed, will be restarted"},
       -1,
       [](Observation& o) { o.containers[0].specHash = "another"; }},
      {"and the new one starts also under Never",
       makePod(kNever),
       {{"web", 0, 60, 1, 0}},
       {"start web, attempt 1"},
       -1,
       [](Observation& o) { o.containers[0].specHash = "another"; }},
  });
}

}  // namespace
}  // namespace wherry::kubelet

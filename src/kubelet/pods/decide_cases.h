// For tests: tables of what a pod has and what is decided then.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "kubelet/pods/decide.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {

inline const base::WallTime kNow{std::chrono::seconds(1'700'000'000)};

// A running or ended container, told in seconds before now.
struct Was {
  std::string name;
  int attempt = 0;
  int startedAgo = 60;
  int endedAgo = -1;  // runs still
  int exitCode = 0;
  int crashDelay = 0;
  ContainerKind kind = ContainerKind::kRegular;
};

inline ContainerRecord record(const core_v1::Pod& pod, const Was& was) {
  ContainerRecord out{.podUid = kTestUid,
                      .name = was.name,
                      .attempt = was.attempt,
                      .kind = was.kind,
                      .crashDelay = std::chrono::seconds(was.crashDelay),
                      .createdAt = kNow - std::chrono::seconds(was.startedAgo)};
  out.startedAt = out.createdAt;
  if (was.endedAgo >= 0) out.finishedAt = kNow - std::chrono::seconds(was.endedAgo);
  out.exitCode = was.exitCode;
  for (auto container : pod.spec().containers()) {
    if (container.name() == was.name) out.specHash = specHashOf(container);
  }
  for (auto container : pod.spec().initContainers()) {
    if (container.name() == was.name) out.specHash = specHashOf(container);
  }
  return out;
}

struct Case {
  const char* name;
  core_v1::Pod pod;
  std::vector<Was> containers;
  std::vector<const char*> actions;
  int wakeIn = -1;  // seconds; never
  std::function<void(Observation&)> also = [](Observation&) {};
};

inline std::string idOf(const char* name, int attempt) {
  return std::string(kTestUid) + "-" + name + "-" + std::to_string(attempt);
}

// With ids shortened to "web-0".
inline std::vector<std::string> told(const Decision& decision) {
  std::vector<std::string> out;
  for (const Action& action : decision.actions)
    out.push_back(base::replaceAll(describe(action), std::string(kTestUid) + "-", ""));
  return out;
}

inline void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Observation seen{.now = kNow, .sandbox = true, .prepared = true};
    for (const Was& was : c.containers) seen.containers.push_back(record(c.pod, was));
    c.also(seen);
    Decision decision = decide(c.pod, seen);
    EXPECT_EQ(told(decision), std::vector<std::string>(c.actions.begin(), c.actions.end())) << c.name;
    auto wake =
        decision.wakeAt ? std::chrono::duration_cast<std::chrono::seconds>(*decision.wakeAt - kNow).count() : -1;
    EXPECT_EQ(wake, c.wakeIn) << c.name;
  }
}

inline constexpr const char* kOne = "containers: [{name: web, image: nginx}]\nrestartPolicy: Always";
inline constexpr const char* kNever = "containers: [{name: web, image: nginx}]\nrestartPolicy: Never";
inline constexpr const char* kOnFailure = "containers: [{name: web, image: nginx}]\nrestartPolicy: OnFailure";
inline constexpr const char* kWithInit =
    "initContainers: [{name: first, image: a}, {name: second, image: b}]\n"
    "containers: [{name: web, image: nginx}]";
inline constexpr const char* kWithSidecar =
    "initContainers: [{name: proxy, image: a, restartPolicy: Always}]\n"
    "containers: [{name: web, image: nginx}]\nrestartPolicy: Never";

}  // namespace wherry::kubelet

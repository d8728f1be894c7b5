#include "kubelet/shutdown/shutdown_plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

core_v1::Pod podOf(std::string_view name, int64_t priority, std::string_view phase = "Running") {
  return makePod(fmt::format("{{priority: {}}}", priority), fmt::format("name: {}", name),
                 fmt::format("phase: {}", phase));
}

// "20: web, db; 10: dns"
std::string plan(const std::vector<core_v1::Pod>& pods, const ShutdownPeriods& periods) {
  std::vector<std::string> groups;
  for (const auto& group : planShutdown(pods, periods)) {
    std::vector<std::string> names;
    for (const auto& pod : group.pods) names.emplace_back(pod.metadata().name());
    groups.push_back(fmt::format("{}: {}", group.time.count(), base::join(names, ", ")));
  }
  return base::join(groups, "; ");
}

TEST(PlanShutdown, CriticalPodsEndLast) {
  const std::vector<core_v1::Pod> pods{podOf("web", 0), podOf("dns", 2'000'000'000), podOf("db", 1'000'000'000),
                                       podOf("done", 0, "Succeeded"), podOf("lost", 0, "Failed")};
  EXPECT_EQ(plan(pods, {30s, 10s}), "20: web, db; 10: dns");
  EXPECT_EQ(plan(pods, {30s, 0s}), "30: web, db; 0: dns");
  EXPECT_EQ(plan(pods, {10s, 30s}), "0: web, db; 10: dns");
}

TEST(ShutdownEnd, IsTheShorterOfBothTimes) {
  const auto patient = makePod("{terminationGracePeriodSeconds: 60}"),
             quick = makePod("{terminationGracePeriodSeconds: 2}");
  EXPECT_EQ(shutdownEnd(patient, 20s).grace, 20s);
  EXPECT_EQ(shutdownEnd(quick, 20s).grace, 2s);
  EXPECT_EQ(shutdownEnd(makePod("{}"), 60s).grace, 30s);
  EXPECT_EQ(shutdownEnd(quick, 20s).reason, "Terminated");
  EXPECT_EQ(shutdownEnd(quick, 20s).message, "Pod was terminated in response to imminent node shutdown.");
}

}  // namespace
}  // namespace wherry::kubelet

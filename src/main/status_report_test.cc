#include "main/status_report.h"

#include <functional>

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::main {
namespace {

constexpr base::WallTime kNow{std::chrono::seconds{1'800'000'000}};  // 2027-01-15

meta::ObjectPtr object(const char* yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }

meta::ObjectPtr crashing(int number) {
  return object(
      ("{metadata: {namespace: default, name: web-" + std::to_string(number) +
       "}, status: {phase: Running, containerStatuses: [{state: {waiting: {reason: CrashLoopBackOff, message: "
       "back-off 10s}}}]}}")
          .c_str());
}

Report goodReport() {
  Report report;
  report.now = kNow;
  report.parts.parts = {{"api", "ready", true}};
  report.certificates = {{"ca", kNow + std::chrono::hours(24 * 3650)}};
  report.nodes = {
      object("{metadata: {name: node}, status: {conditions: [{type: Ready, status: 'True'}, "
             "{type: DiskPressure, status: 'False'}]}}")};
  report.findings = {{"swap", Level::kOk, "off", ""}};
  return report;
}

std::vector<std::string> problemsOf(const Report& report) {
  std::vector<std::string> out;
  for (const Problem& problem : findProblems(report)) {
    EXPECT_FALSE(problem.remedy.empty()) << problem.text;
    out.push_back(problem.text);
  }
  return out;
}

TEST(StatusReportTest, NothingIsWrongWithAGoodCluster) {
  EXPECT_EQ(problemsOf(goodReport()), std::vector<std::string>());
}

TEST(StatusReportTest, EachTroubleIsSaidInWords) {
  struct Case {
    const char* name;
    std::function<void(Report&)> change;
    std::string expected;
  };
  const Case cases[] = {
      {"a part that starts",
       [](auto& r) {
         r.parts.parts.push_back({"dns", "starting", false});
       },
       "dns is not ready: starting"},
      {"a pod that crashes", [](auto& r) { r.troubledPods = {crashing(1)}; },
       "pod default/web-1: CrashLoopBackOff: back-off 10s"},
      {"a node under pressure",
       [](auto& r) {
         r.nodes = {
             object("{metadata: {name: node}, status: {conditions: [{type: DiskPressure, status: 'True', "
                    "message: kubelet has disk pressure}]}}")};
       },
       "node node: DiskPressure is True: kubelet has disk pressure"},
      {"a node that is not ready",
       [](auto& r) {
         r.nodes = {
             object("{metadata: {name: node}, status: {conditions: [{type: Ready, status: Unknown, message: "
                    "gone}]}}")};
       },
       "node node: Ready is Unknown: gone"},
      {"a certificate that nobody renewed",
       [](auto& r) {
         r.certificates = {{"apiserver", kNow + std::chrono::hours(24)}};
       },
       "certificate apiserver ends 2027-01-16T08:00:00Z"},
      {"a warning about the machine",
       [](auto& r) {
         r.findings = {{"resolvers", Level::kWarn, "none", "add one"}};
       },
       "resolvers: none"},
  };
  for (const Case& c : cases) {
    Report report = goodReport();
    c.change(report);
    EXPECT_EQ(problemsOf(report), std::vector<std::string>{c.expected}) << c.name;
  }
}

TEST(StatusReportTest, ManyPodsInTroubleAreCounted) {
  Report report = goodReport();
  for (int i = 0; i < 50; ++i) report.troubledPods.push_back(crashing(i));
  auto problems = problemsOf(report);
  ASSERT_EQ(problems.size(), 6u);
  EXPECT_EQ(problems.back(), "45 more pods are in trouble");
}

TEST(StatusReportTest, APodThatStartsIsNoTrouble) {
  EXPECT_EQ(troubleOf(*object("{status: {containerStatuses: [{state: {waiting: {reason: ContainerCreating}}}]}}")), "");
  EXPECT_EQ(troubleOf(*object("{status: {containerStatuses: [{state: {running: {}}}]}}")), "");
  EXPECT_EQ(troubleOf(*object("{status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, "
                              "message: 0/1 nodes are available}]}}")),
            "Unschedulable: 0/1 nodes are available");
  EXPECT_EQ(troubleOf(*object("{status: {initContainerStatuses: [{state: {waiting: {reason: ErrImagePull, message: "
                              "no such image}}}]}}")),
            "ErrImagePull: no such image");
}

}  // namespace
}  // namespace wherry::main

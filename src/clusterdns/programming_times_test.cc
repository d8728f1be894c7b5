#include "clusterdns/programming_times.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

meta::ObjectPtr podOf(const char* status) {
  return std::make_shared<meta::Object>(
      json::parseYaml(std::string("{metadata: {name: p, namespace: n}, status: {conditions: [{type: Ready, status: '") +
                      status + "'}]}}"));
}

meta::Object sliceOf(const char* annotations, const char* pod) {
  return meta::Object(json::parseYaml(std::string("{metadata: {name: s, namespace: n, annotations: ") + annotations +
                                      "}, endpoints: [{targetRef: {kind: Pod, name: " + pod + "}}]}"));
}

const meta::ObjectKey kService{"n", "web"};

TEST(ProgrammingTimesTest, CountFromTheChangeOfReadiness) {
  ProgrammingTimes times;
  base::ManualClock clock;
  times.podChanged(nullptr, podOf("False"), clock);
  base::MonotonicTime began = clock.monotonicNow();
  times.podChanged(podOf("False"), podOf("True"), clock);
  clock.advance(std::chrono::milliseconds(5));
  times.podChanged(podOf("True"), podOf("True"), clock);
  times.sliceChanged(sliceOf("{}", "other"), kService, clock);
  EXPECT_TRUE(times.take().empty());
  times.sliceChanged(sliceOf("{}", "p"), kService, clock);
  times.sliceChanged(sliceOf("{}", "p"), kService, clock);
  EXPECT_EQ(times.take(), (ProgrammingTimes::Begun{{kService, began}})) << "once, from the beginning";
  EXPECT_TRUE(times.take().empty());
}

TEST(ProgrammingTimesTest, WhatWasThereBeforeOrIsGoneDoesNotCount) {
  ProgrammingTimes times;
  base::ManualClock clock;
  times.podChanged(nullptr, podOf("True"), clock);
  times.sliceChanged(sliceOf("{}", "p"), kService, clock);
  times.podChanged(podOf("True"), podOf("False"), clock);
  times.podChanged(podOf("False"), nullptr, clock);
  times.sliceChanged(sliceOf("{}", "p"), kService, clock);
  EXPECT_TRUE(times.take().empty());
}

TEST(ProgrammingTimesTest, ASliceMaySayItself) {
  ProgrammingTimes times;
  base::ManualClock clock(base::WallTime{std::chrono::seconds{1'700'000'000}});
  clock.advance(std::chrono::seconds(10));
  times.sliceChanged(sliceOf("{endpoints.kubernetes.io/last-change-trigger-time: '2023-11-14T22:13:28Z'}", "p"),
                     kService, clock);
  auto begun = times.take();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(clock.monotonicNow() - begun[0].second, std::chrono::seconds(2));
}

}  // namespace
}  // namespace wherry::clusterdns

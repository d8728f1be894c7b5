#include "base/metrics.h"

#include <thread>

#include <gtest/gtest.h>

namespace wherry::base::metrics {
namespace {

TEST(Metrics, CountsOfAllThreadsAreSummedAndLabelsEscaped) {
  static Family<Counter> requests("test_requests_total", "Requests.", {"verb", "path"});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 12; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 1000; ++j) requests.with({"GET", "a\"b"}).add();
      });
    }
  }
  std::string page;
  requests.render(Format::kPrometheus, page);
  EXPECT_EQ(page,
            "# HELP test_requests_total Requests.\n# TYPE test_requests_total counter\n"
            "test_requests_total{verb=\"GET\",path=\"a\\\"b\"} 12000\n");
  page.clear();
  requests.render(Format::kOpenMetrics, page);
  EXPECT_EQ(page,
            "# HELP test_requests Requests.\n# TYPE test_requests counter\n"
            "test_requests_total{verb=\"GET\",path=\"a\\\"b\"} 12000\n");
}

TEST(Metrics, AHistogramHasCumulativeBuckets) {
  static constexpr double kBounds[] = {0.1, 1};
  static Family<Histogram> times("test_seconds", "Times.", {"verb"}, kBounds);
  for (double time : {0.05, 0.1, 0.5, 3.0}) times.with({"GET"}).observe(time);
  std::string page;
  times.render(Format::kPrometheus, page);
  EXPECT_EQ(page, R"(# HELP test_seconds Times.
# TYPE test_seconds histogram
test_seconds_bucket{verb="GET",le="0.1"} 2
test_seconds_bucket{verb="GET",le="1"} 3
test_seconds_bucket{verb="GET",le="+Inf"} 4
test_seconds_sum{verb="GET"} 3.65
test_seconds_count{verb="GET"} 4
)");
}

TEST(Metrics, AFamilyWithoutSeriesSaysNothing) {
  static Family<Gauge> gauge("test_gauge", "A gauge.", {});
  std::string page;
  gauge.render(Format::kPrometheus, page);
  EXPECT_EQ(page, "");
  gauge.with({}).add(-2);
  gauge.render(Format::kPrometheus, page);
  EXPECT_EQ(page, "# HELP test_gauge A gauge.\n# TYPE test_gauge gauge\ntest_gauge -2\n");
}

TEST(Metrics, OpenMetricsIsForThoseWhoAskForIt) {
  EXPECT_EQ(chooseFormat("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Format::kOpenMetrics);
  EXPECT_EQ(chooseFormat("text/plain"), Format::kPrometheus);
  EXPECT_EQ(chooseFormat(""), Format::kPrometheus);
}

}  // namespace
}  // namespace wherry::base::metrics

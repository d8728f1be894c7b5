#include "clusterdns/query_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wherry::clusterdns {
namespace {

using testing::HasSubstr;

// The numbers are the process's: the cases use what no other test does.
TEST(QueryMetricsTest, SumsWhatAllThreadsCountedUnderCoreDnsNames) {
  nameServer("dns://192.0.2.53:53", "test.");
  for (int i = 0; i < 2; ++i) {
    auto counts = newQueryCounts();
    counts->countRequest(Transport::kTcp, true, AskedZone::kCluster, dns::Type::kMx);
    counts->countResponse(AskedZone::kOther, dns::Rcode::kNotAuth, std::chrono::seconds(100));
    counts->countRequest(Transport::kTcp, true, AskedZone::kOther, static_cast<dns::Type>(12345));
  }
  countProgramming("headless_with_selector", std::chrono::milliseconds(3));
  std::string page;
  for (const auto* family : dnsFamilies()) family->render(base::metrics::Format::kPrometheus, page);
  const char* const kLines[] = {
      "# TYPE coredns_dns_requests_total counter\n",
      R"(coredns_dns_requests_total{server="dns://192.0.2.53:53",zone="test.",view="",proto="tcp",family="2",type="MX"} 2)",
      R"(coredns_dns_requests_total{server="dns://192.0.2.53:53",zone=".",view="",proto="tcp",family="2",type="other"} 2)",
      R"(coredns_dns_responses_total{server="dns://192.0.2.53:53",zone=".",view="",rcode="NOTAUTH",plugin="forward"} 2)",
      "# TYPE coredns_dns_request_duration_seconds histogram\n",
      R"(coredns_dns_request_duration_seconds_bucket{server="dns://192.0.2.53:53",zone="test.",view="",le="0.00025"})",
      R"(coredns_kubernetes_dns_programming_duration_seconds_bucket{service_kind="headless_with_selector",le="0.004"} )",
  };
  for (const char* line : kLines) EXPECT_THAT(page, HasSubstr(line));
}

}  // namespace
}  // namespace wherry::clusterdns

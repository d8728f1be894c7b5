#include "ingress/route_counters.h"

#include <gtest/gtest.h>

namespace wherry::ingress {
namespace {

TEST(RouteCounters, TheTableIsReadByRoute) {
  auto routes = readRouteTable(
      "# table: wherry-routes, type: string, size:2, used:1\n"
      "0x5581: key=r80-0 use=0 exp=0 shard=0 http_req_cnt=7 http_err_cnt=2 http_fail_cnt=1 bytes_in_cnt=300"
      " bytes_out_cnt=9000\n\n");
  ASSERT_EQ(routes.size(), 1U);
  const RouteCounts& counts = routes["r80-0"];
  EXPECT_EQ(counts.requests, 7U);
  EXPECT_EQ(counts.clientErrors, 2U);
  EXPECT_EQ(counts.serverErrors, 1U);
  EXPECT_EQ(counts.bytesIn, 300U);
  EXPECT_EQ(counts.bytesOut, 9000U);
  EXPECT_TRUE(readRouteTable("No such table.\n").empty());
}

TEST(RouteCounters, StatisticsAreReadByColumnNames) {
  auto backends = readStatistics(
      "# pxname,svname,econ,wretr,hrsp_2xx,hrsp_5xx,\n"
      "default:web:http,s1,1,1,5,0,\n"
      "default:web:http,BACKEND,3,4,5,2,\n"
      "default:web:http:second,BACKEND,0,0,0,0,\n"
      "wherry-routes,BACKEND,0,0,0,0,\n");
  ASSERT_EQ(backends.size(), 1U);
  const BackendCounts& counts = backends["default:web:http"];
  EXPECT_EQ(counts.connectionErrors, 3U);
  EXPECT_EQ(counts.retries, 4U);
  EXPECT_EQ(counts.responses.at("2xx"), 5U);
  EXPECT_EQ(counts.responses.at("5xx"), 2U);
}

}  // namespace
}  // namespace wherry::ingress

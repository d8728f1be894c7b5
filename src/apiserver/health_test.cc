#include "apiserver/health.h"

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

std::string answer(const std::string& path, const std::string& query, const std::string& failure = "") {
  using Of = HealthCheck::Of;
  const HealthCheck checks[] = {{"ping", [] { return ""; }},
                                {"etcd", [] { return ""; }, Of::kLive},
                                {"etcd", [&] { return failure; }, Of::kReady},
                                {"shutdown", [] { return ""; }, Of::kReady}};
  auto response = healthAnswer(*RequestInfo::parse("GET", path, query), checks);
  return response ? std::to_string(response->status) + " " + *response->body.at(0) : "nothing";
}

TEST(Health, IsToldWholeInPartsAndWithoutParts) {
  EXPECT_EQ(answer("/healthz", ""), "200 ok");
  EXPECT_EQ(answer("/livez", "verbose"), "200 [+]ping ok\n[+]etcd ok\nlivez check passed\n");
  EXPECT_EQ(answer("/readyz", "verbose=1"), "200 [+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n");
  EXPECT_EQ(answer("/readyz/etcd", ""), "200 ok");
  EXPECT_EQ(answer("/livez/shutdown", ""), "nothing");
  EXPECT_EQ(answer("/livez/", ""), "200 ok");
  EXPECT_EQ(answer("/version", ""), "nothing");
}

TEST(Health, AFailureNamesItsPartAndCanBeLeftOut) {
  EXPECT_EQ(answer("/readyz", "", "disk is full"),
            "500 [+]ping ok\n[-]etcd failed: disk is full\n[+]shutdown ok\nreadyz check failed\n");
  EXPECT_EQ(answer("/readyz/etcd", "", "disk is full"), "500 internal server error: disk is full\n");
  EXPECT_EQ(answer("/readyz", "exclude=etcd&verbose", "disk is full"),
            "200 [+]ping ok\n[+]etcd excluded: ok\n[+]shutdown ok\nreadyz check passed\n");
  EXPECT_EQ(answer("/livez", "", "disk is full"), "200 ok") << "a new process would have the same disk";
  EXPECT_EQ(answer("/livez", "exclude=moon&verbose"),
            "200 [+]ping ok\n[+]etcd ok\nwarn: some health checks cannot be excluded: no matches for "
            "\"moon\"\nlivez check passed\n");
}

}  // namespace
}  // namespace wherry::apiserver

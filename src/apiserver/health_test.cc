#include "apiserver/health.h"

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

std::string answer(const std::string& path, const std::string& query, bool storeIsFine = true) {
  const HealthCheck checks[] = {{"ping", [] { return true; }},
                                {"etcd", [storeIsFine] { return storeIsFine; }},
                                {"shutdown", [] { return true; }, true}};
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
  EXPECT_EQ(answer("/livez", "", false), "500 [+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n");
  EXPECT_EQ(answer("/livez/etcd", "", false), "500 internal server error: etcd is not healthy\n");
  EXPECT_EQ(answer("/livez", "exclude=etcd&verbose", false),
            "200 [+]ping ok\n[+]etcd excluded: ok\nlivez check passed\n");
  EXPECT_EQ(answer("/livez", "exclude=moon&verbose"),
            "200 [+]ping ok\n[+]etcd ok\nwarn: some health checks cannot be excluded: no matches for "
            "\"moon\"\nlivez check passed\n");
}

}  // namespace
}  // namespace wherry::apiserver

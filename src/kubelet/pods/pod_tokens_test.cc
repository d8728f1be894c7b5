#include "kubelet/pods/pod_tokens.h"

#include <chrono>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "kubelet/testing/pod_fixture.h"
#include "kubelet/testing/test_host.h"
#include "kubelet/volumes/volumes.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(PodTokens, AreRenewedAfterFourFifthsOfTheirLifeOrADay) {
  const struct {
    const char* name;
    seconds life, renewal;
  } cases[] = {
      {"the shortest", minutes(10), minutes(8)}, {"the usual", seconds(3605), seconds(2884)},
      {"a day", hours(24), minutes(1152)},       {"thirty hours", hours(30), hours(24)},
      {"a year", hours(24 * 365), hours(24)},    {"one that has ended when it comes", seconds(-5), seconds(0)},
  };
  const base::WallTime issued{hours(1)};
  for (const auto& c : cases) EXPECT_EQ(decideRenewal(issued, issued + c.life) - issued, c.renewal) << c.name;
}

// The volume of a pod whose tokens are numbered.
class TokenVolume : public ::testing::Test {
 protected:
  // What stands in the volume's file after a look at the clock's time; "" when there is none.
  std::string look() {
    auto token = [this](const PodTokens::Projection& wanted) { return tokens_.get(wanted, clock_.now(), request()); };
    setUpVolumes(pod_, paths_, {{}, {}, token});
    return base::readFileIfExists(paths_.volume("token") + "/token").value_or("");
  }

  PodTokens::Request request() {
    return [this](const PodTokens::Projection& wanted) {
      if (refuses_) throw meta::notFound({"", "serviceaccounts"}, "default");
      return IssuedToken{std::to_string(++issued_), clock_.now() + seconds(wanted.expirationSeconds())};
    };
  }

  TestDirectory directory_;
  base::ManualClock clock_;
  PodPaths paths_ = PodPaths::of(directory_.data(), directory_.run(), kTestUid);
  core_v1::Pod pod_ = makePod(
      "volumes: [{name: token, projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: "
      "3600}}]}}]");
  PodTokens tokens_;
  bool refuses_ = false;
  int issued_ = 0;
};

TEST_F(TokenVolume, ShowsANewTokenInTime) {
  EXPECT_EQ(tokens_.nextRenewal(), std::nullopt) << "none was asked for";
  EXPECT_EQ(look(), "1");
  EXPECT_EQ(tokens_.nextRenewal(), clock_.now() + minutes(48));
  clock_.advance(minutes(48) - seconds(1));
  EXPECT_EQ(look(), "1");
  clock_.advance(seconds(1));
  EXPECT_EQ(look(), "2");
  EXPECT_EQ(tokens_.nextRenewal(), clock_.now() + minutes(48));
}

TEST_F(TokenVolume, KeepsTheFormerTokenUntilItsEndWhileThereIsNoOther) {
  EXPECT_EQ(look(), "1");
  refuses_ = true;
  clock_.advance(minutes(50));
  EXPECT_EQ(look(), "1");
  EXPECT_EQ(tokens_.nextRenewal(), clock_.now() + minutes(1));
  clock_.advance(minutes(10));
  EXPECT_EQ(look(), "") << "it has ended";
  refuses_ = false;
  EXPECT_EQ(look(), "") << "asked again a minute later";
  clock_.advance(minutes(1));
  EXPECT_EQ(look(), "2");
}

TEST_F(TokenVolume, EveryAudienceHasItsToken) {
  pod_ = makePod(
      "volumes: [{name: token, projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}, "
      "{serviceAccountToken: {path: vault, audience: vault, expirationSeconds: 600}}]}}]");
  look();
  EXPECT_EQ(issued_, 2);
  EXPECT_EQ(tokens_.nextRenewal(), clock_.now() + minutes(8)) << "the first that is due";
}

}  // namespace
}  // namespace wherry::kubelet

#include "apiserver/oidc/tokens.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include "apiserver/oidc/test_issuer.h"

namespace wherry::apiserver {
namespace {

using namespace std::chrono_literals;

struct OidcTokensTest : testing::Test {
  ~OidcTokensTest() override { tokens().stop(); }

  OidcTokens& tokens() {
    if (!tokens_) tokens_ = std::make_unique<OidcTokens>(options, clock, *dispatcher);
    return *tokens_;
  }
  // Whether a fetch came of the token; returns when that is over.
  bool awaitKeys(const std::string& token) {
    auto over = std::make_shared<std::promise<void>>();
    if (!tokens().awaitKeys(token, [over] { over->set_value(); })) return false;
    over->get_future().wait();
    return true;
  }
  bool isGood(const std::string& token) { return tokens().verify(token).has_value(); }

  TestIssuer issuer;
  OidcOptions options = issuer.options();
  base::ManualClock clock;
  std::string key = pki::newPrivateKey();
  // The dispatcher ends before the tokens do, as in the server.
  std::unique_ptr<OidcTokens> tokens_;
  std::unique_ptr<Dispatcher> dispatcher = std::make_unique<Dispatcher>();
};

TEST_F(OidcTokensTest, AreThoseThatTheIssuersKeysHaveSigned) {
  issuer.publish({key});
  tokens().start();
  awaitKeys(issuer.token(key));
  auto user = tokens().verify(issuer.token(key, R"("sub":"jane","groups":["crew"])"));
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, issuer.url + "#jane");
  EXPECT_EQ(user->groups, std::vector<std::string>{"oidc:crew"});
  EXPECT_EQ(issuer.discoveries(), 1);

  auto foreign = pki::newPrivateKey();
  EXPECT_FALSE(isGood(issuer.token(foreign)));
  EXPECT_FALSE(isGood(issuer.token(key, R"("sub":"jane")", 1)));
  EXPECT_FALSE(isGood(""));
}

TEST_F(OidcTokensTest, ANewKeyIsFetchedWhenATokenComesThatItHasSigned) {
  issuer.publish({key});
  tokens().start();
  awaitKeys(issuer.token(key));
  ASSERT_TRUE(isGood(issuer.token(key)));
  EXPECT_FALSE(awaitKeys(issuer.token(key))) << "its key is known";

  auto next = pki::newPrivateKey();
  issuer.publish({next});
  EXPECT_FALSE(awaitKeys(issuer.token(next))) << "not again within ten seconds, whatever a token says";
  clock.advance(10s);
  EXPECT_TRUE(awaitKeys(issuer.token(next)));
  EXPECT_TRUE(isGood(issuer.token(next)));
  EXPECT_FALSE(isGood(issuer.token(key))) << "its key was withdrawn";
  EXPECT_EQ(issuer.discoveries(), 2);
}

TEST_F(OidcTokensTest, NothingIsFetchedForATokenThatNoKeyWouldMakeGood) {
  issuer.publish({key});
  tokens().start();
  awaitKeys(issuer.token(key));
  clock.advance(20s);
  auto foreign = pki::newPrivateKey();
  for (const auto& token :
       {std::string("x"), issuer.token(foreign, R"("sub":"jane")", 1), issuer.token(foreign, R"("sub":7)"),
        pki::JwtKey(foreign).sign(R"({"iss":"https://elsewhere","aud":"wherry","exp":4000000000,"sub":"jane"})")}) {
    EXPECT_FALSE(awaitKeys(token)) << token;
  }
  EXPECT_EQ(issuer.discoveries(), 1);
  EXPECT_TRUE(awaitKeys(issuer.token(foreign))) << "for this one it is worth a try";
  EXPECT_FALSE(isGood(issuer.token(foreign)));
}

TEST_F(OidcTokensTest, AnAlgorithmThatIsNotWantedIsNone) {
  options.signingAlgorithms = {"RS256", "ES384"};
  issuer.publish({key});
  tokens().start();
  issuer.waitForDiscoveries(1);
  EXPECT_FALSE(awaitKeys(issuer.token(key)));
  EXPECT_FALSE(isGood(issuer.token(key)));
}

TEST_F(OidcTokensTest, KeysAreFetchedAgainWhenTheyAreUsedAndAnHourOld) {
  issuer.publish({key});
  tokens().start();
  awaitKeys(issuer.token(key));
  clock.advance(59min);
  EXPECT_TRUE(isGood(issuer.token(key)));
  issuer.publish({});
  clock.advance(1min);
  EXPECT_TRUE(isGood(issuer.token(key))) << "who comes first does not wait";
  // Once that fetch is over, one for a token that is not known says so.
  awaitKeys(issuer.token(pki::newPrivateKey()));
  EXPECT_FALSE(isGood(issuer.token(key))) << "its key was withdrawn";
  EXPECT_EQ(issuer.discoveries(), 2);
}

TEST_F(OidcTokensTest, AnIssuerThatIsDownIsReportedOnceAndAskedAgain) {
  issuer.publish({key});
  issuer.claimToBe("https://elsewhere");
  testing::internal::CaptureStderr();
  tokens().start();
  awaitKeys(issuer.token(key));
  for (int i = 0; i < 3; ++i) {
    clock.advance(10s);
    EXPECT_TRUE(awaitKeys(issuer.token(key)));
    EXPECT_FALSE(isGood(issuer.token(key)));
  }
  const auto said = testing::internal::GetCapturedStderr();
  const auto at = said.find("without which its tokens are refused: its openid-configuration is that of");
  EXPECT_NE(at, std::string::npos) << said;
  EXPECT_EQ(said.find("without which", at + 1), std::string::npos) << said;
  EXPECT_EQ(issuer.discoveries(), 4);

  issuer.claimToBe(issuer.url);
  clock.advance(10s);
  EXPECT_TRUE(awaitKeys(issuer.token(key)));
  EXPECT_TRUE(isGood(issuer.token(key)));
}

TEST_F(OidcTokensTest, AnIssuerWithAnotherAuthoritysCertificateIsNotBelieved) {
  options.caPem = net::makeTestCertificate("elsewhere").certificatePem;
  issuer.publish({key});
  tokens().start();
  awaitKeys(issuer.token(key));
  EXPECT_FALSE(isGood(issuer.token(key)));
  EXPECT_EQ(issuer.discoveries(), 0);
  options.caPem.clear();
  EXPECT_THROW(OidcTokens(options, clock, *dispatcher), std::invalid_argument) << "nobody would be refused";
}

TEST_F(OidcTokensTest, SoManyWaitAndNoMore) {
  issuer.publish({key});
  issuer.fallSilent();
  tokens().start();
  std::atomic<int> calledBack = 0;
  std::promise<void> all;
  const auto token = issuer.token(key);
  for (int i = 0; i < 256; ++i) {
    EXPECT_TRUE(tokens().awaitKeys(token, [&] {
      if (++calledBack == 256) all.set_value();
    }));
  }
  EXPECT_FALSE(tokens().awaitKeys(token, [&] { ++calledBack; }));
  EXPECT_EQ(calledBack, 0);
  issuer.answerAgain();
  all.get_future().wait();
  EXPECT_TRUE(isGood(token));
}

TEST_F(OidcTokensTest, NobodyWaitsForASilentIssuerForEver) {
  options.patience = 1s;  // long enough to begin to wait, whatever else the machine does
  issuer.publish({key});
  issuer.fallSilent();
  EXPECT_TRUE(awaitKeys(issuer.token(key)));
  EXPECT_FALSE(awaitKeys(issuer.token(key))) << "not for the one that takes too long";
  EXPECT_FALSE(isGood(issuer.token(key)));
}

TEST_F(OidcTokensTest, WhoWaitsIsCalledBackAtTheEnd) {
  issuer.fallSilent();
  tokens().start();
  std::promise<void> over;
  EXPECT_TRUE(tokens().awaitKeys(issuer.token(key), [&] { over.set_value(); }));
  tokens().stop();
  over.get_future().wait();
  clock.advance(1h);
  EXPECT_FALSE(awaitKeys(issuer.token(key)));
}

}  // namespace
}  // namespace wherry::apiserver

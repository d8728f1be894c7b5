// What clients of the API see of an issuer's users.
#include <future>

#include <gtest/gtest.h>

#include "apiserver/api_server.h"
#include "apiserver/oidc/test_issuer.h"
#include "json/value.h"
#include "net/http_client.h"

namespace wherry::apiserver {
namespace {

struct OidcApi : testing::Test {
  OidcApi() {
    issuer.publish({key});
    api = std::make_unique<ApiServer>(ApiServerOptions{.store = *store,
                                                       .kinds = schema::builtinRegistry(),
                                                       .tokens = {{"static", {"admin", {"system:masters"}, ""}}},
                                                       .advertiseAddress = "192.0.2.1",
                                                       .serviceAccountKeysPem = {pki::newPrivateKey()},
                                                       .oidc = issuer.options(),
                                                       .clock = clock});
    api->start();
    net::ServerOptions options{.address = "127.0.0.1", .errorResponse = errorResponse};
    server = net::startServer(options, api->handler());
    client = net::newHttpClient({.url = fmt::format("http://127.0.0.1:{}", server->port())});
  }

  net::ClientResponse post(const std::string& token, const std::string& what, const std::string& spec = "{}") {
    net::Request request;
    request.method = "POST";
    request.path = "/apis/authentication.k8s.io/v1/" + what;
    request.headers.add("Authorization", "Bearer " + token);
    request.headers.add("Content-Type", "application/json");
    request.body = fmt::format(R"({{"spec":{}}})", spec);
    return client->call(request);
  }
  // Who they are told to be: "NAME GROUP..."; the status when it is no success.
  std::string whoAmI(const std::string& token) {
    auto answer = post(token, "selfsubjectreviews");
    return answer.status == 201 ? userOf(answer.body, "status.userInfo") : std::to_string(answer.status);
  }
  std::string review(const std::string& token) {
    auto answer = post("static", "tokenreviews", fmt::format(R"({{"token":"{}"}})", token));
    EXPECT_EQ(answer.status, 201) << answer.body;
    const auto answered = json::parse(answer.body);
    auto error = json::getString(answered, "status.error");
    return error.empty() ? userOf(answer.body, "status.user") : std::string(error);
  }
  static std::string userOf(const std::string& body, std::string_view path) {
    auto user = *json::find(json::parse(body), path);
    std::string text(json::getString(user, "username"));
    for (const auto& group : json::find(user, "groups")->get_array()) text += " " + std::string(group.get_string());
    return text;
  }

  TestIssuer issuer;
  base::ManualClock clock;
  std::string key = pki::newPrivateKey();
  std::unique_ptr<storage::Store> store = storage::openMemoryStore(storeOptions(""));
  std::unique_ptr<ApiServer> api;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<net::HttpClient> client;
};

constexpr auto kJane = R"("sub":"jane","groups":["crew"])";

TEST_F(OidcApi, AUserIsWhoTheTokenSays) {
  const auto expected = issuer.url + "#jane oidc:crew system:authenticated";
  EXPECT_EQ(whoAmI(issuer.token(key, kJane)), expected) << "also when the keys are still being fetched";
  EXPECT_EQ(review(issuer.token(key, kJane)), expected);
  EXPECT_EQ(whoAmI("static"), "admin system:masters system:authenticated");
  EXPECT_EQ(whoAmI("other"), "401");
}

TEST_F(OidcApi, ARequestWaitsForANewKeyAndIsThenServed) {
  EXPECT_NE(whoAmI(issuer.token(key, kJane)), "401");
  auto next = pki::newPrivateKey(), third = pki::newPrivateKey();
  issuer.publish({next, third});
  clock.advance(std::chrono::seconds(10));
  EXPECT_EQ(whoAmI(issuer.token(next, kJane)), issuer.url + "#jane oidc:crew system:authenticated");
  EXPECT_EQ(whoAmI(issuer.token(key, kJane)), "401");
}

TEST_F(OidcApi, AReviewWaitsAsARequestDoes) {
  EXPECT_NE(whoAmI(issuer.token(key, kJane)), "401");
  auto next = pki::newPrivateKey();
  issuer.publish({next});
  clock.advance(std::chrono::seconds(10));
  EXPECT_EQ(review(issuer.token(next, kJane)), issuer.url + "#jane oidc:crew system:authenticated");
  EXPECT_EQ(review(issuer.token(key, kJane)), "invalid bearer token");
}

TEST_F(OidcApi, OthersAreServedWhileTheIssuerIsSilent) {
  EXPECT_NE(whoAmI(issuer.token(key, kJane)), "401");
  issuer.fallSilent();
  clock.advance(std::chrono::seconds(10));
  auto next = pki::newPrivateKey();
  issuer.publish({key, next});
  auto waiting = std::async(std::launch::async, [&] { return whoAmI(issuer.token(next, kJane)); });
  issuer.waitForHeld();
  EXPECT_NE(whoAmI(issuer.token(key, kJane)), "401");
  EXPECT_EQ(whoAmI("static"), "admin system:masters system:authenticated");
  issuer.answerAgain();
  EXPECT_EQ(waiting.get(), issuer.url + "#jane oidc:crew system:authenticated");
}

}  // namespace
}  // namespace wherry::apiserver

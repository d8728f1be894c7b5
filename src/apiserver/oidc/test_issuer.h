// For tests: an OpenID Connect issuer on the loopback, with keys that come and go.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apiserver/oidc/options.h"
#include "net/server.h"
#include "net/test_certificate.h"
#include "pki/jwt.h"
#include "pki/key.h"

namespace wherry::apiserver {

class TestIssuer {
 public:
  TestIssuer() {
    net::ServerOptions http;
    http.address = "127.0.0.1";
    http.threads = 1;
    http.certificatePem = certificate_.certificatePem;
    http.keyPem = certificate_.keyPem;
    server_ = net::startServer(http, [this](const net::ExchangePtr& exchange) { serve(exchange); });
    url = fmt::format("https://127.0.0.1:{}/realm", server_->port());
  }
  ~TestIssuer() {
    answerAgain();
    server_->stop(0);
  }

  OidcOptions options() const {
    return {.issuerUrl = url,
            .clientId = "wherry",
            .groupsClaim = "groups",
            .groupsPrefix = "oidc:",
            .signingAlgorithms = {"ES256"},
            .caPem = certificate_.certificatePem,
            .patience = std::chrono::hours(1)};
  }

  // "sub", or further claims as well: `"sub":"jane","groups":["crew"]`.
  std::string token(const std::string& keyPem, const std::string& claims = R"("sub":"jane")",
                    int64_t end = 4'000'000'000) const {
    return pki::JwtKey(keyPem).sign(fmt::format(R"({{"iss":"{}","aud":"wherry","exp":{},{}}})", url, end, claims));
  }

  void publish(std::vector<std::string> keysPem) {
    std::lock_guard lock(mutex_);
    keys_ = std::move(keysPem);
  }
  void claimToBe(std::string issuer) {
    std::lock_guard lock(mutex_);
    claimed_ = std::move(issuer);
  }
  // Requests are left without an answer, until answerAgain().
  void fallSilent() {
    std::lock_guard lock(mutex_);
    silent_ = true;
  }
  void answerAgain() {
    std::vector<net::ExchangePtr> held;
    {
      std::lock_guard lock(mutex_);
      silent_ = false;
      held.swap(held_);
    }
    for (const auto& exchange : held) serve(exchange);
  }

  int discoveries() const {
    std::lock_guard lock(mutex_);
    return discoveries_;
  }
  void waitForDiscoveries(int count) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] { return discoveries_ >= count; });
  }

  // Until a request is left without an answer.
  void waitForHeld() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] { return !held_.empty(); });
  }

  std::string url;

 private:
  void serve(const net::ExchangePtr& exchange) {
    std::unique_lock lock(mutex_);
    const auto& path = exchange->request().path;
    if (silent_) {
      held_.push_back(exchange);
      return asked_.notify_all();
    }
    if (path == "/realm/.well-known/openid-configuration") {
      ++discoveries_;
      asked_.notify_all();
      return respond(
          *exchange, 200,
          fmt::format(R"({{"issuer":"{}","jwks_uri":"{}/keys?use=sig"}})", claimed_.empty() ? url : claimed_, url));
    }
    if (path != "/realm/keys" || exchange->request().query != "use=sig") return respond(*exchange, 404, "");
    std::string keys;
    for (const auto& key : keys_) keys += (keys.empty() ? "" : ",") + pki::JwtKey(key).renderJwk();
    respond(*exchange, 200, R"({"keys":[)" + keys + "]}");
  }
  static void respond(net::Exchange& exchange, int status, std::string body) {
    exchange.respond(net::Response::text(status, "application/json", std::move(body)));
  }

  const net::TestCertificate certificate_ = net::makeTestCertificate("issuer");
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<std::string> keys_;
  std::string claimed_;
  bool silent_ = false;
  int discoveries_ = 0;
  std::vector<net::ExchangePtr> held_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace wherry::apiserver

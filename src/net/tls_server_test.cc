// The server over TLS: who is believed, and that bytes come through.
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_client.h"
#include "net/server.h"
#include "net/test_certificate.h"

namespace wherry::net {
namespace {

Request request(std::string method, std::string body = "") {
  Request result;
  result.method = std::move(method);
  result.path = "/";
  result.body = std::move(body);
  return result;
}

void echo(const ExchangePtr& exchange) {
  exchange->respond(Response::text(200, "text/plain", exchange->request().body));
}

class TlsServer : public testing::Test {
 protected:
  void start(Handler handler) {
    ServerOptions options{.address = "127.0.0.1"};
    options.certificatePem = certificate_.certificatePem;
    options.keyPem = certificate_.keyPem;
    options.clientCaPem = user_.certificatePem;
    server_ = startServer(std::move(options), std::move(handler));
  }
  ClientResponse call(const std::string& host, const std::string& caPem, const TestCertificate& user = {}) const {
    ClientOptions options{.url = "https://" + host + ":" + std::to_string(server_->port()), .caPem = caPem};
    options.certificatePem = user.certificatePem;
    options.keyPem = user.keyPem;
    return newHttpClient(std::move(options))->call(request("GET"));
  }

  const TestCertificate certificate_ = makeTestCertificate("server");
  const TestCertificate user_ = makeTestCertificate("jane");
  std::unique_ptr<Server> server_;
};

void tellPeer(const ExchangePtr& exchange) {
  const Peer& peer = *exchange->request().peer;
  std::string text = peer.address + " " + peer.commonName;
  for (const std::string& organization : peer.organizations) text += " " + organization;
  exchange->respond(Response::text(200, "text/plain", text));
}

TEST_F(TlsServer, KnowsAClientByItsCertificate) {
  start(tellPeer);
  EXPECT_EQ(call("127.0.0.1", certificate_.certificatePem, user_).body, "127.0.0.1 jane wheelhouse");
  EXPECT_EQ(call("localhost", certificate_.certificatePem).body, "127.0.0.1 ") << "a certificate is not required";
}

TEST_F(TlsServer, RefusesACertificateOfAnotherAuthority) {
  start(tellPeer);
  EXPECT_THROW(call("127.0.0.1", certificate_.certificatePem, makeTestCertificate("jane")), std::exception);
}

TEST_F(TlsServer, IsRefusedByAClientThatDoesNotTrustIt) {
  start(tellPeer);
  EXPECT_THROW(call("127.0.0.1", user_.certificatePem), std::runtime_error);
  EXPECT_THROW(call("127.0.0.2", certificate_.certificatePem), std::exception) << "another address";
  EXPECT_EQ(call("127.0.0.1", "").status, 200) << "a client that does not ask";
}

TEST_F(TlsServer, TakesANewCertificateForNewConnections) {
  start(tellPeer);
  TestCertificate renewed = makeTestCertificate("server");
  server_->setCertificate(renewed.certificatePem, renewed.keyPem);
  EXPECT_THROW(call("127.0.0.1", certificate_.certificatePem), std::runtime_error);
  EXPECT_EQ(call("127.0.0.1", renewed.certificatePem).status, 200);
}

TEST_F(TlsServer, CarriesLargeBodiesBothWays) {
  start(echo);
  auto client = newHttpClient({.url = "https://127.0.0.1:" + std::to_string(server_->port())});
  std::string body(3 << 20, 'x');
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client->call(request("POST", body)).body.size(), body.size());
}

TEST_F(TlsServer, ServesManyClientsAtOnce) {
  start(echo);
  auto client = newHttpClient({.url = "https://127.0.0.1:" + std::to_string(server_->port())});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&client, t] {
      std::string body = "client " + std::to_string(t);
      for (int i = 0; i < 50; ++i) EXPECT_EQ(client->call(request("POST", body)).body, body);
    });
  }
}

}  // namespace
}  // namespace wherry::net

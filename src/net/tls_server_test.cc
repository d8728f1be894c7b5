// The server over TLS: who is believed, and that bytes come through.
#include <filesystem>
#include <list>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/connection_limits.h"
#include "net/http_client.h"
#include "net/server.h"
#include "net/test_certificate.h"
#include "net/test_peer.h"

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
  void start(Handler handler, std::chrono::milliseconds headTime = std::chrono::seconds(30),
             const ConnectionLimits& limits = {}) {
    ServerOptions options{.address = "127.0.0.1", .headTime = headTime};
    options.certificatePem = certificate_.certificatePem;
    options.keyPem = certificate_.keyPem;
    options.clientCaPem = user_.certificatePem;
    server_ = startServer(std::move(options), limits, std::move(handler));
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

// A client whose handshake ends after so many of its bytes.
class CutClient {
 public:
  explicit CutClient(uint16_t port) : peer_(port), context_(SSL_CTX_new(TLS_client_method())), tls_(SSL_new(context_)) {
    SSL_set_bio(tls_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(tls_);
  }
  ~CutClient() {
    SSL_free(tls_);
    SSL_CTX_free(context_);
  }
  CutClient(const CutClient&) = delete;
  CutClient& operator=(const CutClient&) = delete;

  // How many bytes it sent: `most`, unless the handshake has fewer or the server ends it.
  size_t shakeHands(size_t most) {
    size_t sent = 0;
    for (;;) {
      const bool done = SSL_do_handshake(tls_) == 1;
      const std::string flight = takeFlight();
      peer_.send(std::string_view(flight).substr(0, most - sent));
      if (flight.size() > most - sent) return most;
      sent += flight.size();
      if (done) return sent;
      const std::string answer = peer_.receive();
      if (answer.empty()) return sent;
      BIO_write(SSL_get_rbio(tls_), answer.data(), static_cast<int>(answer.size()));
    }
  }
  TestPeer& peer() { return peer_; }

 private:
  std::string takeFlight() {
    char bytes[8192];
    const int count = BIO_read(SSL_get_wbio(tls_), bytes, sizeof bytes);
    return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : "";
  }

  TestPeer peer_;
  SSL_CTX* context_;
  SSL* tls_;
};

size_t countEntries(const char* directory) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

// Generously long: nothing here takes long unless it never happens.
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Every client that the server doesn't let go of takes one of the two places that there are.
TEST_F(TlsServer, AHandshakeThatIsCutAtAnyByteLeavesNothingBehind) {
  start(echo, std::chrono::seconds(30), {.total = 2, .perAddress = 2, .handshakes = 2});
  const size_t files = countEntries("/proc/self/fd"), threads = countEntries("/proc/self/task");
  const auto nothingIsLeft = [&] { return eventually([&] { return countEntries("/proc/self/fd") <= files; }); };
  const size_t length = CutClient(server_->port()).shakeHands(SIZE_MAX);
  ASSERT_GT(length, 200U);
  ASSERT_TRUE(nothingIsLeft());
  for (size_t at = 0; at <= length; ++at) {
    {
      CutClient client(server_->port());
      ASSERT_EQ(client.shakeHands(at), at);
      if (at % 2 == 0) {  // only one direction is closed; otherwise both
        client.peer().shutDown();
        client.peer().readAll();
      }
    }
    ASSERT_TRUE(nothingIsLeft()) << "cut after " << at << " bytes";
  }
  EXPECT_EQ(countEntries("/proc/self/task"), threads);
  EXPECT_EQ(call("127.0.0.1", certificate_.certificatePem).status, 200);
}

TEST_F(TlsServer, AHandshakeThatStopsAtAnyByteIsClosedInTime) {
  start(echo, std::chrono::milliseconds(300));
  const size_t length = CutClient(server_->port()).shakeHands(SIZE_MAX);
  std::list<CutClient> clients;
  for (size_t at = 0; at < length; at += 8) clients.emplace_back(server_->port()).shakeHands(at);
  for (CutClient& client : clients) client.peer().readAll();  // waits for the server to close
}

}  // namespace
}  // namespace wherry::net

// For tests: a resolver on 127.0.0.2, over UDP, TCP and, when it has a certificate, TLS, that answers as it is told.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/guarded.h"
#include "clusterdns/socket_address.h"
#include "dns/message.h"

namespace wherry::clusterdns::test {

class FakeResolver {
 public:
  struct Question {
    std::string packet;
    Transport transport;
    uint16_t clientPort;
  };
  // What it answers; nothing: it keeps silent.
  using Behaviour = std::function<std::optional<std::string>(const Question&)>;

  // `certificatePem` and `keyPem`: "" for no TLS, else what is asked over TCP has to be TLS.
  explicit FakeResolver(Behaviour behaviour, const std::string& certificatePem = {}, const std::string& keyPem = {})
      : behaviour_(std::move(behaviour)), udp_(bindSocket("127.0.0.2", 0, SOCK_DGRAM)) {
    tcp_ = bindSocket("127.0.0.2", port(), SOCK_STREAM);
    if (::listen(tcp_.get(), 16) != 0) base::throwErrno("listen");
    if (!certificatePem.empty()) useCertificate(certificatePem, keyPem);
    stop_ = base::makePipe();
    thread_ = std::jthread([this] { run(); });
  }
  ~FakeResolver() {
    stop_.write.reset();
    thread_.join();
    connections_.clear();
    if (context_) SSL_CTX_free(context_);
  }

  uint16_t port() const {
    SocketAddress address;
    address.size = sizeof address.storage;
    ::getsockname(udp_.get(), address.get(), &address.size);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  }
  int asked() const { return asked_; }
  int connections() const { return accepted_; }
  // Ends every connection, as a resolver does when it has heard nothing for some time.
  void closeConnections() {
    closing_ = true;
    while (closing_) std::this_thread::yield();
  }

 private:
  struct Connection {
    base::Fd fd;
    SSL* ssl = nullptr;
    std::string in;
    ~Connection() {
      if (ssl) SSL_free(ssl);
    }
  };

  void useCertificate(const std::string& certificatePem, const std::string& keyPem) {
    context_ = SSL_CTX_new(TLS_server_method());
    BIO* bio = BIO_new_mem_buf(certificatePem.data(), static_cast<int>(certificatePem.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, certificate);
    X509_free(certificate);
    BIO_free(bio);
    bio = BIO_new_mem_buf(keyPem.data(), static_cast<int>(keyPem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
  }

  void run() {
    while (true) {
      std::vector<pollfd> ready = {{stop_.read.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      for (const auto& [fd, connection] : connections_) ready.push_back({fd, POLLIN, 0});
      ::poll(ready.data(), ready.size(), 20);
      if (closing_) {
        connections_.clear();
        closing_ = false;
        continue;
      }
      if (ready[0].revents) return;
      if (ready[1].revents) datagram();
      if (ready[2].revents) accept();
      for (size_t i = 3; i < ready.size(); ++i) {
        if (ready[i].revents && !readFrom(connections_.at(ready[i].fd))) connections_.erase(ready[i].fd);
      }
    }
  }

  void datagram() {
    std::string buffer(4096, '\0');
    SocketAddress from;
    from.size = sizeof from.storage;
    ssize_t size = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.size);
    if (size <= 0) return;
    buffer.resize(static_cast<size_t>(size));
    uint16_t port = ntohs(reinterpret_cast<const sockaddr_in*>(&from.storage)->sin_port);
    ++asked_;
    auto answer = behaviour_({buffer, Transport::kUdp, port});
    if (answer) ::sendto(udp_.get(), answer->data(), answer->size(), 0, from.get(), from.size);
  }

  void accept() {
    base::Fd fd(::accept(tcp_.get(), nullptr, nullptr));
    if (!fd) return;
    ++accepted_;
    auto connection = std::make_unique<Connection>();
    if (context_) {
      connection->ssl = SSL_new(context_);
      SSL_set_fd(connection->ssl, fd.get());
      if (SSL_accept(connection->ssl) != 1) return;
    }
    int number = fd.get();
    connection->fd = std::move(fd);
    connections_[number] = std::move(connection);
  }

  bool readFrom(const std::unique_ptr<Connection>& connection) {
    char buffer[4096];
    do {
      ssize_t size = connection->ssl ? SSL_read(connection->ssl, buffer, sizeof buffer)
                                     : ::recv(connection->fd.get(), buffer, sizeof buffer, 0);
      if (size <= 0) return false;
      connection->in.append(buffer, static_cast<size_t>(size));
    } while (connection->ssl && SSL_pending(connection->ssl) > 0);
    std::string& in = connection->in;
    while (in.size() >= 2) {
      size_t size = (in[0] & 255u) << 8 | (in[1] & 255u);
      if (in.size() < 2 + size) break;
      ++asked_;
      auto answer = behaviour_({in.substr(2, size), Transport::kTcp, 0});
      in.erase(0, 2 + size);
      if (!answer) continue;
      std::string framed{static_cast<char>(answer->size() >> 8), static_cast<char>(answer->size())};
      framed += *answer;
      if (connection->ssl) {
        SSL_write(connection->ssl, framed.data(), static_cast<int>(framed.size()));
      } else {
        ::send(connection->fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
      }
    }
    return true;
  }

  const Behaviour behaviour_;
  base::Fd udp_, tcp_;
  base::Pipe stop_;
  SSL_CTX* context_ = nullptr;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::atomic<int> asked_{0}, accepted_{0};
  std::atomic<bool> closing_{false};
  std::jthread thread_;
};

}  // namespace wherry::clusterdns::test

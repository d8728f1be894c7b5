#include "net/server.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <unordered_set>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include "base/guarded.h"
#include "base/log.h"
#include "net/connection.h"
#include "net/connection_count.h"
#include "net/connection_limits.h"
#include "net/event_loop.h"
#include "net/http1.h"
#include "net/http2.h"
#include "net/socket.h"
#include "net/tls.h"

namespace wherry::net {
namespace {

const base::Log kLog("net");

constexpr int kAcceptsPerTurn = 64;

// A connection's handshake: it ends with a protocol or with the connection.
class HandshakeCount {
 public:
  explicit HandshakeCount(ConnectionCount& count) : count_(count) { count_.beginHandshake(); }
  void end() {
    if (!std::exchange(ended_, true)) count_.endHandshake();
  }

 private:
  ConnectionCount& count_;
  bool ended_ = false;
};

// One thread, its loop and the connections on it (which only that thread touches).
struct Worker {
  std::shared_ptr<EventLoop> loop = std::make_shared<EventLoop>();
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::jthread thread;
};

class EventServer : public Server {
 public:
  EventServer(ServerOptions options, const ConnectionLimits& limits, Handler handler);
  ~EventServer() override { stop(0); }

  uint16_t port() const override { return port_; }
  void setCertificate(std::string certificatePem, std::string keyPem) override;
  void stop(int graceMillis) override;

 private:
  class Acceptor : public EventLoop::Source {
   public:
    explicit Acceptor(EventServer& server) : server_(server) {}
    void onReady(uint32_t) override { server_.acceptSome(); }

   private:
    EventServer& server_;
  };

  void acceptSome();
  void startConnection(Worker& worker, base::Fd socket, Peer peer);
  std::unique_ptr<Protocol> newProtocol(Connection& connection) const;
  void onEachWorker(const std::function<void(Worker&)>& action);
  void listen();
  void stopListening();
  void acceptAgain();

  const ServerOptions options_;
  const Handler handler_;
  const bool local_;
  base::Fd listener_;
  uint16_t port_ = 0;
  base::Guarded<std::shared_ptr<const TlsContext>> tls_;  // null: plain
  ConnectionCount connections_;
  std::vector<std::unique_ptr<Worker>> workers_;
  size_t nextWorker_ = 0;                // the first worker's thread only
  std::atomic<bool> outOfFiles_{false};  // accepting goes on when a connection closes
  bool stopped_ = false;
};

EventServer::EventServer(ServerOptions options, const ConnectionLimits& limits, Handler handler)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      local_(options_.address.starts_with("unix:")),
      connections_(limits) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that has gone is an error of write(), not the end of the process
  if (!options_.certificatePem.empty() && !local_) setCertificate(options_.certificatePem, options_.keyPem);
  Endpoint endpoint{.host = options_.address, .port = options_.port};
  if (local_) endpoint.unixPath = options_.address.substr(5);
  listener_ = listenOn(endpoint);
  if (!local_) port_ = boundPort(listener_.get());
  for (unsigned i = 0; i < std::max(1U, options_.threads); ++i) workers_.push_back(std::make_unique<Worker>());
  for (auto& worker : workers_) worker->thread = std::jthread([loop = worker->loop] { loop->run(); });
  listen();
}

void EventServer::setCertificate(std::string certificatePem, std::string keyPem) {
  auto context = newTlsServer({std::move(certificatePem), std::move(keyPem), options_.clientCaPem});
  tls_.with([&](auto& tls) { tls = std::move(context); });
}

void EventServer::listen() {
  workers_[0]->loop->post(
      [this] { workers_[0]->loop->add(listener_.get(), EPOLLIN, std::make_shared<Acceptor>(*this)); });
}

void EventServer::acceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    Peer peer;
    base::Fd socket = acceptFrom(listener_.get(), peer);
    if (!socket) {
      if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) return;
      kLog.warn("cannot accept connections: {}", std::strerror(errno));
      workers_[0]->loop->modify(listener_.get(), 0);
      outOfFiles_ = true;
      return;
    }
    if (!connections_.add(peer.address)) continue;  // closed at once
    Worker& worker = *workers_[nextWorker_++ % workers_.size()];
    auto shared = std::make_shared<base::Fd>(std::move(socket));  // a posted task must be copyable
    worker.loop->post([this, &worker, shared, peer = std::move(peer)]() mutable {
      startConnection(worker, std::move(*shared), std::move(peer));
    });
  }
}

void EventServer::startConnection(Worker& worker, base::Fd socket, Peer peer) {
  auto tls = tls_.copy();
  auto transport = tls ? tls->wrap(std::move(socket), "") : newPlainTransport(std::move(socket));
  auto handshake = std::make_shared<HandshakeCount>(connections_);
  auto connection = std::make_shared<Connection>(
      worker.loop, std::move(transport), std::make_shared<Peer>(std::move(peer)), options_.headTime,
      [this, handshake](Connection& ready) {
        handshake->end();
        return newProtocol(ready);
      },
      [this, &worker, handshake](const std::shared_ptr<Connection>& closed) {
        handshake->end();
        worker.connections.erase(closed);
        connections_.remove(closed->peer()->address);
        if (outOfFiles_.exchange(false)) acceptAgain();
      });
  worker.connections.insert(connection);
  connection->start();
}

std::unique_ptr<Protocol> EventServer::newProtocol(Connection& connection) const {
  if (connection.agreedProtocol() == "h2") return newHttp2(connection, options_, handler_);
  return newHttp1(connection, options_, handler_);
}

void EventServer::onEachWorker(const std::function<void(Worker&)>& action) {
  for (auto& worker : workers_) {
    worker->loop->post([&worker, action] { action(*worker); });
  }
}

void EventServer::stopListening() {
  workers_[0]->loop->post([this] {
    if (listener_) workers_[0]->loop->remove(listener_.get());
    listener_.reset();
  });
}

void EventServer::acceptAgain() {
  workers_[0]->loop->post([this] {
    if (listener_) workers_[0]->loop->modify(listener_.get(), EPOLLIN);
  });
}

void EventServer::stop(int graceMillis) {
  if (std::exchange(stopped_, true)) return;
  stopListening();
  auto each = [](Worker& worker, void (Connection::*action)()) {
    auto connections = worker.connections;  // a copy: closing takes them out
    for (const auto& connection : connections) (connection.get()->*action)();
  };
  onEachWorker([each](Worker& worker) { each(worker, &Connection::drain); });
  connections_.waitForNone(std::chrono::milliseconds(graceMillis));
  onEachWorker([each](Worker& worker) { each(worker, &Connection::close); });
  connections_.waitForNone(std::chrono::seconds(5));
  for (auto& worker : workers_) worker->loop->stop();
  for (auto& worker : workers_) worker->thread.join();
  if (local_) ::unlink(options_.address.substr(5).c_str());
}

}  // namespace

std::unique_ptr<Server> startServer(ServerOptions options, Handler handler) {
  ConnectionLimits limits{.total = options.maxConnections, .perAddress = options.maxConnections};
  return startServer(std::move(options), limits, std::move(handler));
}

std::unique_ptr<Server> startServer(ServerOptions options, const ConnectionLimits& limits, Handler handler) {
  return std::make_unique<EventServer>(std::move(options), limits, std::move(handler));
}

}  // namespace wherry::net

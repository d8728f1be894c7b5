// An HTTPS server: HTTP/1.1 (RFC 9112) and HTTP/2 (RFC 9113) on one port, by ALPN.
//
// One or two I/O threads carry all connections; the handler is called on them and must not block. It answers through
// the Exchange, at once or later and from any thread. Limits: request head 64 KiB, body `maxBody` (413 beyond it), idle
// and head time-outs, `maxConnections`. A connection costs about 23 KB while idle.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace wherry::net {

// A raw connection that an HTTP/1.1 request was upgraded to (WebSocket, SPDY). Calls from any thread.
class RawConnection {
 public:
  virtual ~RawConnection() = default;
  // Queues bytes; `false` once more than a bounded amount waits: then wait for onWritable before sending more.
  virtual bool write(Bytes data) = 0;
  // Bytes as they come. Reading stops while paused.
  virtual void onRead(std::function<void(std::string_view)> handler) = 0;
  virtual void pauseReading(bool paused) = 0;
  virtual void onWritable(std::function<void()> handler) = 0;
  virtual void onClosed(std::function<void()> handler) = 0;  // called once
  // After what is queued; the client has a minute to take it.
  virtual void close() = 0;
  // The connection closes when no byte comes or goes for so long.
  virtual void setIdleTime(std::chrono::milliseconds time) = 0;
};

// One request and its answer. Use respond() once, or begin() then write()... then finish(), or upgrade(). Calls from
// any thread; after the client has gone they do nothing. Dropping the last reference unanswered answers 500.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  virtual void respond(Response response) = 0;

  // A stream (watch, logs -f): chunked on HTTP/1.1, DATA frames on HTTP/2, flushed at every write. With a
  // Content-Length among its headers it must be exactly so long, or be dropped unfinished.
  virtual void begin(int status, Headers headers) = 0;
  // False when more than 256 KiB wait for the client: hold back until onWritable's call.
  virtual bool write(Bytes data) = 0;
  virtual void finish() = 0;
  virtual void onWritable(std::function<void()> handler) = 0;
  // The client went away, or the answer is complete. Called once, on an I/O thread.
  virtual void onClosed(std::function<void()> handler) = 0;

  // 101 with these headers, then the connection is the caller's. Null on HTTP/2.
  virtual std::shared_ptr<RawConnection> upgrade(Headers headers) = 0;
};
using ExchangePtr = std::shared_ptr<Exchange>;
using Handler = std::function<void(ExchangePtr)>;

struct ServerOptions {
  std::string address = "0.0.0.0";  // or "::", or "unix:/run/x.sock" (made with mode 0600; plain HTTP, no port)
  uint16_t port = 0;                // 0: any; Server::port() tells
  std::string certificatePem;       // chain; empty: plain HTTP (tests, metrics on loopback)
  std::string keyPem;
  std::string clientCaPem;   // client certificates are asked for and checked against it; a bad one fails the handshake
  size_t maxBody = 3 << 20;  // bytes; more is 413
  size_t maxConnections = 20000;
  unsigned threads = 2;
  std::chrono::milliseconds headTime{30000};   // for the handshake, and for a request's head from its first byte on
  std::chrono::milliseconds bodyTime{120000};  // for all of a request's body
  std::chrono::milliseconds stallTime{60000};  // without the client taking a byte of an answer (streams: no limit)
  std::chrono::milliseconds idleTime{90000};   // between requests
  // Words the answers that the server gives by itself (400, 408, 413, 431, 500, ...); plain text when not set.
  std::function<Response(int status, std::string_view why)> errorResponse;
};

class Server {
 public:
  virtual ~Server() = default;  // stops
  virtual uint16_t port() const = 0;
  // New connections from now on get this certificate.
  virtual void setCertificate(std::string certificatePem, std::string keyPem) = 0;
  // Stops accepting, lets answers under way end for `graceMillis`, then closes all.
  virtual void stop(int graceMillis) = 0;
};

// Throws std::system_error when the address can't be had ("bind 0.0.0.0:6443: Address already in use").
std::unique_ptr<Server> startServer(ServerOptions options, Handler handler);

}  // namespace wherry::net

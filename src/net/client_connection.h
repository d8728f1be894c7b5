// One HTTP/1.1 connection of a client: a request out, an answer in, its caller waiting. Belongs to one thread at a
// time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "net/chunked.h"
#include "net/http_head.h"
#include "net/tls.h"
#include "net/url.h"

namespace wherry::net {

// Waits for a descriptor for a bounded time, or until a stop is requested.
class Wait {
 public:
  // What wait() throws after a stop.
  struct Stopped {};

  explicit Wait(std::stop_token stop);
  // `events`: POLLIN or POLLOUT. `atMost` negative: without a bound. Throws std::system_error (ETIMEDOUT) or Stopped.
  void until(int fd, short events, std::chrono::milliseconds atMost, const char* what) const;

 private:
  struct Wake {
    int fd;
    void operator()() const;
  };
  base::Fd wake_;  // written to by the stop; invalid when none is possible
  std::stop_callback<Wake> callback_;
};

class ClientConnection {
 public:
  // `tls` null: plain. Throws std::system_error or std::runtime_error.
  ClientConnection(const ServerUrl& url, const TlsContext* tls, std::chrono::milliseconds timeout, const Wait& wait);

  // The whole exchange throws std::system_error when the connection is lost or too slow, and std::runtime_error when
  // what comes is not HTTP.
  void send(std::string_view request, const Wait& wait);
  ResponseHead readHead(std::string_view method, const Wait& wait);
  // The next piece of the body; empty at its end. `atMost` negative: waits without a bound.
  std::string_view readBody(std::chrono::milliseconds atMost, const Wait& wait);

  bool reusable() const { return bodyEnded_ && keepAlive_ && input_.empty(); }
  // The server may have closed a connection that nobody used.
  bool stillOpen();

 private:
  // Appends what comes next to input_; false at the end of the stream.
  bool receive(std::chrono::milliseconds atMost, const Wait& wait);
  void waitFor(short events, std::chrono::milliseconds atMost, const char* what, const Wait& wait);
  [[noreturn]] void fail(IoStatus status);
  std::string_view readChunked(std::chrono::milliseconds atMost, const Wait& wait);

  std::unique_ptr<Transport> transport_;
  std::chrono::milliseconds timeout_;
  std::string input_;  // received and not yet read
  std::string piece_;  // what readBody gave last
  Framing framing_ = Framing::kNone;
  uint64_t left_ = 0;  // of a body with a length
  ChunkedDecoder chunks_;
  bool keepAlive_ = true;
  bool bodyEnded_ = true;
};

}  // namespace wherry::net

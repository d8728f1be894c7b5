// An HTTP client for the remote API, probes, and the admin socket: HTTP/1.1 with keep-alive, TLS or not.
// A client is safe from any thread; each call blocks its caller.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/http.h"

namespace wherry::net {

struct ClientOptions {
  std::string url;             // "https://host:port", "http://...", "unix:/run/wherry/admin.sock"
  std::string caPem;           // the server must be signed by it; empty: not verified (probes)
  std::string certificatePem;  // client certificate
  std::string keyPem;
  std::chrono::milliseconds timeout{30000};  // connect, and between bytes of an answer
  size_t maxBody = 256 << 20;                // bytes of an answer to call(); more is an error
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Throws std::system_error (refused, timed out, lost) or std::runtime_error (not HTTP, TLS). A redirection is an
  // answer like any other. A GET is sent again when the kept connection it went out on turns out to be dead.
  virtual ClientResponse call(const Request& request) = 0;
  // Streams the body: `onHead` gets status and headers, then `onData` each piece; either returns false to end the call.
  // Ends when the body does, or soon after `stop` is requested. Between pieces it waits for as long as it takes.
  virtual void stream(const Request& request, std::stop_token stop,
                      const std::function<bool(const ClientResponse&)>& onHead,
                      const std::function<bool(std::string_view)>& onData) = 0;
};

// Throws std::invalid_argument (the URL) or std::runtime_error (a PEM text). Connects only when called.
std::unique_ptr<HttpClient> newHttpClient(ClientOptions options);

}  // namespace wherry::net

// An HTTP client for the remote API, probes, and the admin socket: HTTP/1.1 with keep-alive, TLS or not.
// A client is safe from any thread; each call blocks its caller.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "net/http.h"

namespace wherry::net {

struct ClientOptions {
  std::string url;             // "https://host:port", "http://...", "unix:/run/wherry/admin.sock"
  std::string caPem;           // the server must be signed by it; empty: not verified (probes)
  std::string certificatePem;  // client certificate
  std::string keyPem;
  std::chrono::milliseconds timeout{30000};  // connect, and between bytes of an answer
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Throws std::system_error (refused, timed out) or std::runtime_error (not HTTP, TLS).
  virtual ClientResponse call(const Request& request) = 0;
  // Streams the body: `onHead` gets status and headers, then `onData` each piece; either returns false to end the call.
  // Ends when the body does, or soon after `stop` is requested.
  virtual void stream(const Request& request, std::stop_token stop,
                      const std::function<bool(const ClientResponse&)>& onHead,
                      const std::function<bool(std::string_view)>& onData) = 0;
};

std::unique_ptr<HttpClient> newHttpClient(ClientOptions options);

}  // namespace wherry::net

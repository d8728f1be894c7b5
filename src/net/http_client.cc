#include "net/http_client.h"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/guarded.h"
#include "net/client_connection.h"

namespace wherry::net {
namespace {

constexpr size_t kMaxIdle = 16;
constexpr std::chrono::milliseconds kForever{-1};

std::string renderRequest(const Request& request, const ServerUrl& url) {
  std::string target = url.basePath + request.path + (request.query.empty() ? "" : "?" + request.query);
  if (target.find_first_of(" \r\n") != std::string::npos) throw std::invalid_argument("not a request path: " + target);
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, target);
  if (!request.headers.has("Host")) text += fmt::format("Host: {}\r\n", url.hostField);
  bool mayHaveBody = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (mayHaveBody || !request.body.empty()) text += fmt::format("Content-Length: {}\r\n", request.body.size());
  appendFields(text, request.headers, {"content-length", "transfer-encoding"});
  text += "\r\n";
  return text + request.body;
}

class PooledClient : public HttpClient {
 public:
  explicit PooledClient(ClientOptions options) : options_(std::move(options)), url_(parseServerUrl(options_.url)) {
    std::signal(SIGPIPE, SIG_IGN);  // a server that has gone is an error of write(), not the end of the process
    if (url_.tls) tls_ = newTlsClient({options_.caPem, options_.certificatePem, options_.keyPem});
  }

  ClientResponse call(const Request& request) override;
  void stream(const Request& request, std::stop_token stop, const std::function<bool(const ClientResponse&)>& onHead,
              const std::function<bool(std::string_view)>& onData) override;

 private:
  struct Answered {
    std::unique_ptr<ClientConnection> connection;
    ClientResponse response;
  };

  Answered begin(const Request& request, const Wait& wait);
  Answered beginOn(std::unique_ptr<ClientConnection> connection, const std::string& text, const Request& request,
                   const Wait& wait) const;
  std::unique_ptr<ClientConnection> takeIdle();
  void keep(std::unique_ptr<ClientConnection> connection);

  const ClientOptions options_;
  const ServerUrl url_;
  std::shared_ptr<const TlsContext> tls_;  // null: plain
  base::Guarded<std::vector<std::unique_ptr<ClientConnection>>> idle_;
};

std::unique_ptr<ClientConnection> PooledClient::takeIdle() {
  for (;;) {
    auto connection = idle_.with([](auto& idle) -> std::unique_ptr<ClientConnection> {
      if (idle.empty()) return nullptr;
      auto last = std::move(idle.back());
      idle.pop_back();
      return last;
    });
    if (!connection || connection->stillOpen()) return connection;
  }
}

void PooledClient::keep(std::unique_ptr<ClientConnection> connection) {
  if (!connection->reusable()) return;
  idle_.with([&](auto& idle) {
    if (idle.size() < kMaxIdle) idle.push_back(std::move(connection));
  });
}

PooledClient::Answered PooledClient::beginOn(std::unique_ptr<ClientConnection> connection, const std::string& text,
                                             const Request& request, const Wait& wait) const {
  connection->send(text, wait);
  ResponseHead head = connection->readHead(request.method, wait);
  return {std::move(connection), {head.status, std::move(head.headers), ""}};
}

PooledClient::Answered PooledClient::begin(const Request& request, const Wait& wait) {
  const std::string text = renderRequest(request, url_);
  if (auto kept = takeIdle()) {
    try {
      return beginOn(std::move(kept), text, request, wait);
    } catch (const std::system_error& error) {
      // RFC 9112 section 9.3.1: the server closed it while the request was on its way; only a GET may be sent again.
      bool again = error.code().value() != ETIMEDOUT && (request.method == "GET" || request.method == "HEAD");
      if (!again) throw;
    }
  }
  auto connection = std::make_unique<ClientConnection>(url_, tls_.get(), options_.timeout, wait);
  return beginOn(std::move(connection), text, request, wait);
}

ClientResponse PooledClient::call(const Request& request) {
  Wait wait{std::stop_token()};
  Answered answered = begin(request, wait);
  std::string& body = answered.response.body;
  for (;;) {
    std::string_view piece = answered.connection->readBody(options_.timeout, wait);
    if (piece.empty()) break;
    if (body.size() + piece.size() > options_.maxBody) throw std::runtime_error("the answer is too large");
    body.append(piece);
  }
  keep(std::move(answered.connection));
  return std::move(answered.response);
}

void PooledClient::stream(const Request& request, std::stop_token stop,
                          const std::function<bool(const ClientResponse&)>& onHead,
                          const std::function<bool(std::string_view)>& onData) {
  try {
    Wait wait(std::move(stop));
    Answered answered = begin(request, wait);
    if (!onHead(answered.response)) return;
    for (;;) {
      std::string_view piece = answered.connection->readBody(kForever, wait);
      if (piece.empty()) break;
      if (!onData(piece)) return;
    }
    keep(std::move(answered.connection));
  } catch (const Wait::Stopped&) {
    // As asked for.
  }
}

}  // namespace

std::unique_ptr<HttpClient> newHttpClient(ClientOptions options) {
  return std::make_unique<PooledClient>(std::move(options));
}

}  // namespace wherry::net

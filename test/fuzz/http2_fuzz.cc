// libFuzzer: what a client may send after the preface of HTTP/2, to a server's connection over a pair of sockets. Every
// request that reaches the handler is a whole one, and the connection is over once the client has sent its last.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "net/http2.h"

namespace net = wherry::net;

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kMaxBody = 1000;

// Answers as the server's users do: whole, as a stream, or by going away.
void answer(const net::ExchangePtr& exchange) {
  const net::Request& request = exchange->request();
  if (request.method.empty() || request.body.size() > kMaxBody) std::abort();
  if (exchange->upgrade({})) std::abort();
  if (request.path == "/drop") return;
  if (request.path != "/stream") return exchange->respond(net::Response::text(200, "text/plain", request.body));
  exchange->begin(200, {});
  exchange->write(std::make_shared<const std::string>("a piece"));
  exchange->write(std::make_shared<const std::string>(request.body));
  if (request.query != "endless") exchange->finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > (32 << 10)) return 0;  // what the sockets hold without a reader
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  wherry::base::Fd client(ends[0]);
  std::string sent = std::string(kPreface).append(reinterpret_cast<const char*>(data), size);
  if (::send(client.get(), sent.data(), sent.size(), 0) != static_cast<ssize_t>(sent.size())) std::abort();
  ::shutdown(client.get(), SHUT_WR);

  const net::ServerOptions options{.maxBody = kMaxBody};
  const net::Handler handler = answer;
  auto loop = std::make_shared<net::EventLoop>();
  auto connection = std::make_shared<net::Connection>(
      loop, net::newPlainTransport(wherry::base::Fd(ends[1])), std::make_shared<net::Peer>(), options.headTime,
      [&](net::Connection& of) { return net::newHttp2(of, options, handler); },
      [&](const std::shared_ptr<net::Connection>&) { loop->stop(); });
  connection->start();
  loop->run();  // also when all is over already: it lets go of what it holds
  return 0;
}

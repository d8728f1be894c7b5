// Serves over TLS what the HTTP server is measured with, until its standard input ends:
//   http_server_bench PORT CERTIFICATE KEY THREADS      (wrk -t2 -c64 https://127.0.0.1:PORT/small)
// /small is 1,740 bytes, /big 690,000; /later is /small answered from another thread.
#include <cstdlib>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/queue.h"
#include "net/server.h"

namespace net = wherry::net;

namespace {

net::Response answer(const net::Bytes& body) {
  net::Response response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-cache, private");
  response.body.push_back(body);
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto small = std::make_shared<const std::string>(1740, 'x');
  const auto big = std::make_shared<const std::string>(690000, 'y');
  wherry::base::Queue<net::ExchangePtr> queue(10000);
  std::jthread later([&](std::stop_token stop) {
    while (auto exchange = queue.pop(stop)) (*exchange)->respond(answer(small));
  });
  net::ServerOptions options;
  options.address = "127.0.0.1";
  options.port = static_cast<uint16_t>(std::atoi(argv[1]));
  options.certificatePem = wherry::base::readFile(argv[2]);
  options.keyPem = wherry::base::readFile(argv[3]);
  options.threads = static_cast<unsigned>(std::atoi(argv[4]));
  auto server = net::startServer(options, [&](net::ExchangePtr exchange) {
    const std::string& path = exchange->request().path;
    if (path == "/later") {
      queue.tryPush(std::move(exchange));
    } else {
      exchange->respond(answer(path == "/big" ? big : small));
    }
  });
  fmt::print("listening on {}\n", server->port());
  char byte;
  while (::read(0, &byte, 1) > 0) {
  }
  return 0;
}

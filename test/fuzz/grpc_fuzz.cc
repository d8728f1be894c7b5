// libFuzzer: what a server may answer to a gRPC call, over a pair of sockets.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <sys/socket.h>

#include "net/grpc_call.h"

namespace net = wherry::net;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > (96 << 10)) return 0;  // what the sockets hold without a reader
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto message = net::parseGrpcMessage(bytes);
      message && net::parseGrpcMessage(net::frameGrpcMessage(*message)) != message) {
    std::abort();
  }
  if (net::decodeGrpcText(bytes).size() > size) std::abort();

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  wherry::base::Fd server(ends[0]);
  if (::send(server.get(), data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  ::shutdown(server.get(), SHUT_WR);
  net::GrpcRequest request{.server = {"127.0.0.1", 1, ""}, .path = "/grpc.health.v1.Health/Check"};
  net::GrpcAnswer answer = net::callGrpcOver(wherry::base::Fd(ends[1]), request);
  if (answer.outcome == net::GrpcAnswer::Outcome::kNotConnected) std::abort();
  if (answer.message.size() > (64 << 10) || (answer.status != 0 && !answer.message.empty())) std::abort();
  return 0;
}

// One unary gRPC call over HTTP/2 without TLS, on a connection of its own: what a health probe needs. Blocks its
// caller, at most for the time that it is given. Safe from any thread.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "net/socket.h"

namespace wherry::net {

struct GrpcRequest {
  Endpoint server;      // host is an address
  std::string path;     // "/grpc.health.v1.Health/Check"
  std::string message;  // serialised
  std::string userAgent;
  std::chrono::milliseconds timeout{1000};
  std::stop_token stop{};  // ends the call as if its time were up
};

struct GrpcAnswer {
  enum class Outcome {
    kNotConnected,  // also when time was up before the connection stood
    kTimedOut,
    kAnswered,  // `status` and `text` are the server's
  };
  Outcome outcome = Outcome::kNotConnected;
  int status = 0;       // grpc-status; 2 (unknown), 12 (unimplemented), 14 (unavailable) also for what is no gRPC
  std::string text;     // grpc-message, or why there is no connection
  std::string message;  // serialised; at most 64 KiB
};

GrpcAnswer callGrpc(const GrpcRequest& request);
// The same over a connection that stands already; the socket must not block.
GrpcAnswer callGrpcOver(base::Fd socket, const GrpcRequest& request);

// A length-prefixed message (grpc PROTOCOL-HTTP2, "Length-Prefixed-Message"), and the one in a body; nothing when it is
// compressed or not whole. Pure.
std::string frameGrpcMessage(std::string_view message);
std::optional<std::string_view> parseGrpcMessage(std::string_view body);

// grpc-message without its percent-encoding. Pure.
std::string decodeGrpcText(std::string_view encoded);

// "Unavailable" for 14: the code's name in messages. Pure.
std::string_view grpcCodeName(int status);

}  // namespace wherry::net

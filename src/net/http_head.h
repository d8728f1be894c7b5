// The heads of HTTP/1.1 messages (RFC 9112), read from and written as text. Pure; safe from any thread.
//
// The parser is strict where laxness lets two servers disagree about where a message ends (request smuggling): a bare
// LF, a folded line, a space before a colon, Content-Length twice or beside Transfer-Encoding are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "net/http.h"

namespace wherry::net {

struct HeadLimits {
  size_t bytes = 64 << 10;
  size_t fields = 200;
};

// The rest of the head has not come yet.
struct Incomplete {};

struct HeadError {
  int status;            // what a server answers: 400, 417, 431, 501, 505
  std::string_view why;  // a constant text
};

enum class Framing {
  kNone,        // no body
  kLength,      // contentLength bytes
  kChunked,     // RFC 9112 section 7.1
  kUntilClose,  // responses only
};

struct RequestHead {
  Request request;  // without body and peer
  size_t size = 0;  // of the head, its empty line included
  Framing framing = Framing::kNone;
  uint64_t contentLength = 0;
  bool keepAlive = true;
  bool expectContinue = false;
  bool http10 = false;
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  size_t size = 0;
  Framing framing = Framing::kNone;
  uint64_t contentLength = 0;
  bool keepAlive = true;
};

// `bytes` begins with the head; what follows it is not looked at.
std::variant<Incomplete, HeadError, RequestHead> parseRequestHead(std::string_view bytes,
                                                                  const HeadLimits& limits = {});

// `requestMethod`: an answer to HEAD has no body, whatever its head says.
std::variant<Incomplete, HeadError, ResponseHead> parseResponseHead(std::string_view bytes,
                                                                    std::string_view requestMethod,
                                                                    const HeadLimits& limits = {});

// "Not Found" for 404; "Unknown" for a number that has no name.
std::string_view reasonPhrase(int status);

// Whether the field may be sent: a line break in it would make one answer two.
bool isSendable(std::string_view name, std::string_view value);

// Appends the fields, each with its CRLF, leaving out those in `without` and those that are not sendable.
void appendFields(std::string& out, const Headers& headers, std::initializer_list<std::string_view> without);

}  // namespace wherry::net

// The server's end of a SPDY/3.1 connection: the streams that its client opens, over one RawConnection.
//
// Windows: WINDOW_UPDATEs are sent as data is taken. The clients that speak SPDY today (Go's spdystream, in kubectl)
// know no windows, neither theirs nor ours: what they send is bounded by not reading on while 1 MiB waits, and what is
// sent to them by the connection alone. A client that shows by its first SETTINGS or WINDOW_UPDATE that it keeps
// windows is held to and given them.
//
// Bounds: 2,000 streams at a time, 64 KiB of fields each; a client that makes us answer without taking the answers is
// not read from.
#pragma once

#include <functional>
#include <memory>

#include "net/byte_stream.h"
#include "net/server.h"

namespace wherry::net {

// The last reference resets a stream that is not over. It is over when both ways are, or after a reset by the client.
class SpdyStream : public ByteStream {
 public:
  virtual uint32_t id() const = 0;
  virtual const Headers& fields() const = 0;
};
using SpdyStreamPtr = std::shared_ptr<SpdyStream>;

class SpdySession {
 public:
  struct Handlers {
    // All on the connection's thread. Whether a stream with these fields may be opened; empty: any.
    std::function<bool(const Headers&)> accepts;
    // A stream was opened, and its client told so.
    std::function<void(SpdyStreamPtr)> onStream;
    std::function<void()> onClosed;  // the connection has gone; once
  };
  virtual ~SpdySession() = default;
  // No more streams; says goodbye once what was written is out. From any thread.
  virtual void close() = 0;
};

// The session lives as long as its connection, whoever holds it.
std::shared_ptr<SpdySession> startSpdySession(std::shared_ptr<RawConnection> connection,
                                              SpdySession::Handlers handlers);

}  // namespace wherry::net

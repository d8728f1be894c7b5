// Bytes that flow with back-pressure, whatever carries them: the ends of exec, of forwarded ports, of proxied
// connections.
//
// Safe from any thread. A stream calls its handlers one at a time, holds no lock of its own while it does, and drops
// them once it is closed.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace wherry::net {

// Where a stream's bytes go. write() answers false when the receiver is full: call again only after onWritable's call.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual bool write(std::string_view data) = 0;
  virtual void finish() = 0;
  virtual void onWritable(std::function<void()> handler) = 0;
  virtual void onClosed(std::function<void()> handler) = 0;  // the receiver has gone: stop
};

// Bytes both ways, each way with an end of its own (a TCP connection). Dropping the last reference closes it at once:
// to have what was written delivered, finish() and hold it until onClosed's call. That comes once, when the other side
// is lost, or when both ways are over and what was written is out.
class ByteStream : public ByteSink {
 public:
  // Bytes as they come, none before there is a handler; onEnd: no more will come, what we write still goes out.
  virtual void onRead(std::function<void(std::string_view)> handler) = 0;
  virtual void onEnd(std::function<void()> handler) = 0;
  virtual void pauseReading(bool paused) = 0;
  virtual void close() = 0;  // both ways, at once; onClosed's call may still come
};
using ByteStreamPtr = std::shared_ptr<ByteStream>;

// Carries what each of the two reads to the other, end by end, as fast as the slower one takes it. They live until both
// are closed; when one is lost the other is closed. `over` is called once, when the first is closed; it may be empty.
void splice(ByteStreamPtr one, ByteStreamPtr other, std::function<void()> over);

}  // namespace wherry::net

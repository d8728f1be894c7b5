// The bytes of an upgraded connection between its user (any thread, a RawConnection) and the socket (the loop's
// thread).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/guarded.h"
#include "net/event_loop.h"
#include "net/output_queue.h"
#include "net/server.h"

namespace wherry::net {

class RawStream : public std::enable_shared_from_this<RawStream> {
 public:
  // The connection, told on the loop's thread that there is something to take or that reading may go on.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void onRawChange() = 0;
  };

  explicit RawStream(std::shared_ptr<EventLoop> loop) : loop_(std::move(loop)) {}

  // From any thread.
  bool write(Bytes data);
  void onRead(std::function<void(std::string_view)> handler);
  void pauseReading(bool paused);
  void onWritable(std::function<void()> handler);
  void onClosed(std::function<void()> handler);
  void close();
  void setIdleTime(std::chrono::milliseconds time);

  // On the loop's thread.
  void attach(Listener* listener);
  bool wantsInput() const;
  // REQUIRES: wantsInput().
  void deliver(std::string_view data);
  // Moves what waits to `out`; true when it is to be closed after that.
  bool take(OutputQueue& out);
  std::chrono::milliseconds idleTime() const;  // 0: any
  void lost();

 private:
  struct State {
    std::vector<Bytes> pieces;
    size_t waiting = 0;
    bool paused = false;
    bool closing = false;  // by the user
    bool lost = false;
    bool held = false;
    bool woken = false;
    std::chrono::milliseconds idleTime{0};
    std::shared_ptr<const std::function<void(std::string_view)>> read;
    std::function<void()> writable;
    std::function<void()> closed;
  };

  template <typename Change>
  void update(Change change);
  void wake();

  const std::shared_ptr<EventLoop> loop_;
  Listener* listener_ = nullptr;  // the loop's thread only
  base::Guarded<State> state_;
};

// The user's end; closes the connection when its last reference goes.
std::shared_ptr<RawConnection> newRawConnection(std::shared_ptr<RawStream> stream);

}  // namespace wherry::net

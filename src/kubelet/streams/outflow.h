// Outflow: bytes on their way into a descriptor (pipe, terminal, socket) from any thread, a bounded amount of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/guarded.h"
#include "net/event_loop.h"

namespace wherry::kubelet {

class Outflow : public net::EventLoop::Source, public std::enable_shared_from_this<Outflow> {
 public:
  // How the reader is told that no more comes.
  enum class End {
    kClose,
    kShutdown,  // a socket's direction; the descriptor stays
    kNothing,   // a terminal has no end
  };
  // What may wait before write() answers false, and what must be left for onWritable's call.
  static constexpr size_t kHighWater = 256 << 10;
  static constexpr size_t kLowWater = 128 << 10;

  // `largestWrite`: at most so many bytes in one write().
  Outflow(std::shared_ptr<net::EventLoop> loop, End end, size_t largestWrite = 64 << 10);

  // From any thread. False when full: wait for onWritable's call. Once the reader has gone bytes are dropped.
  bool write(std::string_view data);
  void finish();      // after what was written
  bool full() const;  // onWritable's call is still to come
  // Called on the loop's thread.
  void onWritable(std::function<void()> handler);
  void onFailed(std::function<void(int error)> handler);  // the reader has gone

  // On the loop's thread. `fd` does not block; what was written before waits for it.
  void open(base::Fd fd);
  void close();                        // at once; drops what waits
  bool used() const { return used_; }  // something has been written into the descriptor
  void onReady(uint32_t events) override;

 private:
  struct State {
    std::string queue;   // what is written next, after out_
    size_t waiting = 0;  // bytes in both
    bool finishing = false;
    bool closed = false;
    bool held = false;   // write() answered false: onWritable is owed
    bool woken = false;  // a flush is under way
    std::function<void()> writable;
    std::function<void(int)> failed;
  };

  void wake();
  void flush();
  bool takeNext();
  void noteWritten(size_t count);
  void watch(bool wanted);
  void fail(int error);

  const std::shared_ptr<net::EventLoop> loop_;
  const End end_;
  const size_t largestWrite_;
  base::Guarded<State> state_;
  // The loop's thread only.
  base::Fd fd_;
  std::string out_;
  size_t written_ = 0;  // of out_
  bool watched_ = false;
  bool used_ = false;
};

}  // namespace wherry::kubelet

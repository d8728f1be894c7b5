// Inflow: the bytes that come out of a descriptor (pipe, terminal, socket), handed over as they come and no faster than
// they are taken. Handlers run on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "net/event_loop.h"

namespace wherry::kubelet {

class Inflow : public net::EventLoop::Source, public std::enable_shared_from_this<Inflow> {
 public:
  struct Handlers {
    // One read()'s bytes. False: no more until resume().
    std::function<bool(std::string_view)> data;
    // Nothing more comes: 0 at the end of the stream, else errno. Called once, unless stop() came before.
    std::function<void(int error)> end;
  };

  // `fd` does not block. Nothing is read before start().
  Inflow(std::shared_ptr<net::EventLoop> loop, base::Fd fd, Handlers handlers);

  // From any thread; they work in the order of their calls.
  void start();
  void resume() { setHeld(false); }
  void hold() { setHeld(true); }

  // On the loop's thread.
  void setHandlers(Handlers handlers) { handlers_ = std::move(handlers); }
  void endWhenEmpty();  // nobody writes any more: what is there now is the last
  void stop();          // closes the descriptor; no handler is called after it
  void onReady(uint32_t events) override;

 private:
  void setHeld(bool held);
  bool flows() const { return started_ && !held_ && fd_.valid(); }
  void update();
  void finish(int error);

  const std::shared_ptr<net::EventLoop> loop_;
  base::Fd fd_;
  Handlers handlers_;
  bool started_ = false;
  bool held_ = false;
  bool watched_ = false;
  bool last_ = false;
};

}  // namespace wherry::kubelet

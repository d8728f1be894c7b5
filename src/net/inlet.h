// What has come for one reader of a connection that several share: handed over in order, one piece at a time, at once
// or when the reader lets go on. Safe from any thread; holds no lock while it calls. Its producer bounds what waits
// here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/guarded.h"

namespace wherry::net {

class Inlet {
 public:
  struct Events {
    std::function<void(size_t)> taken;  // so many bytes were handed over
    std::function<void()> over;         // the end was, too
  };
  explicit Inlet(Events events) : events_(std::move(events)) {}

  // The producer's.
  void push(std::string_view data);
  void end();
  // Drops what waits and the handlers; how much waited.
  size_t close();

  // The reader's.
  void onRead(std::function<void(std::string_view)> handler);
  void onEnd(std::function<void()> handler);
  void pause(bool paused);

 private:
  struct State {
    std::string waiting;
    bool paused = false;
    bool ended = false;  // by the producer
    bool told = false;   // that it is
    bool busy = false;   // a thread is handing over
    bool closed = false;
    std::shared_ptr<const std::function<void(std::string_view)>> read;
    std::function<void()> end;
  };
  struct Step {
    std::shared_ptr<const std::function<void(std::string_view)>> read;
    std::string data;
    std::function<void()> end;
  };

  static std::optional<Step> nextStep(State& state);
  // Hands over what may be, unless another thread does.
  void run();
  void proceed();

  const Events events_;
  base::Guarded<State> state_;
};

}  // namespace wherry::net

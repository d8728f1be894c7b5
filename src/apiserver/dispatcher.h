// One thread for what must happen later or elsewhere: watchers are fed on it (so that the store's commit thread is not
// held up) and deadlines that requests asked for (a watch's timeoutSeconds) fire on it. It sleeps until the next task
// or deadline; with neither it never wakes. Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace wherry::apiserver {

class Dispatcher {
 public:
  Dispatcher();
  ~Dispatcher();  // runs what was posted, drops what is later, stops
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  void post(std::function<void()> task);

  using Timer = uint64_t;  // 0: none
  Timer after(std::chrono::milliseconds delay, std::function<void()> task);
  void cancel(Timer timer);  // a timer that fires at this moment may still run

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::apiserver

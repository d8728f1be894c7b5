// BackgroundTasks: things that take long (a pull, a hook) beside the pods' workers. A task gets a thread as long as it
// runs and none before or after; at most so many at a time, the others wait. Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

namespace wherry::kubelet {

class BackgroundTasks {
 public:
  using Task = std::function<void(std::stop_token stop)>;

  explicit BackgroundTasks(size_t atATime);
  ~BackgroundTasks();  // requests a stop and waits for those that run; those that wait are dropped

  // The task ends soon when `stop` is requested; its exceptions are logged.
  void run(Task task);
  std::stop_token stopToken() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wherry::kubelet

#include "kubelet/pods/background.h"

#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "base/guarded.h"
#include "base/log.h"

namespace wherry::kubelet {
namespace {

struct Tasks {
  std::deque<BackgroundTasks::Task> waiting;
  std::list<std::thread> running;
  std::list<std::thread> ended;  // to be joined
  bool closed = false;
};

void runLogged(const BackgroundTasks::Task& task, std::stop_token stop) {
  try {
    task(std::move(stop));
  } catch (const std::exception& error) {
    base::Log("kubelet").error("a task failed: {}", error.what());
  }
}

}  // namespace

struct BackgroundTasks::State {
  size_t atATime;
  std::stop_source stop;
  base::Guarded<Tasks> tasks;

  explicit State(size_t limit) : atATime(limit) {}

  // The thread's life: tasks until none waits, then it puts itself among the ended.
  void work(Task task, std::list<std::thread>::iterator self) {
    for (bool more = true; more;) {
      runLogged(task, stop.get_token());
      more = tasks.with([&](Tasks& all) {
        if (all.closed || all.waiting.empty()) {
          if (!all.closed) all.ended.splice(all.ended.end(), all.running, self);
          return false;
        }
        task = std::move(all.waiting.front());
        all.waiting.pop_front();
        return true;
      });
    }
  }
};

BackgroundTasks::BackgroundTasks(size_t atATime) : state_(std::make_shared<State>(atATime)) {}

BackgroundTasks::~BackgroundTasks() {
  state_->stop.request_stop();
  std::list<std::thread> threads = state_->tasks.with([](Tasks& all) {
    all.closed = true;
    all.waiting.clear();
    all.running.splice(all.running.end(), all.ended);
    return std::move(all.running);
  });
  for (std::thread& thread : threads) thread.join();
}

std::stop_token BackgroundTasks::stopToken() const { return state_->stop.get_token(); }

void BackgroundTasks::run(Task task) {
  std::list<std::thread> ended = state_->tasks.with([&](Tasks& all) {
    if (!all.closed && all.running.size() < state_->atATime) {
      auto self = all.running.emplace(all.running.end());
      // The thread can't reach the list before this lock is given back.
      *self = std::thread([state = state_, self, first = std::move(task)] { state->work(first, self); });
    } else if (!all.closed) {
      all.waiting.push_back(std::move(task));
    }
    return std::exchange(all.ended, {});
  });
  for (std::thread& thread : ended) thread.join();
}

}  // namespace wherry::kubelet

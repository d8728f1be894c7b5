#include "apiserver/dispatcher.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace wherry::apiserver {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

}  // namespace

struct Dispatcher::State {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<std::function<void()>> tasks;
  std::map<std::pair<SteadyTime, Timer>, std::function<void()>> timers;
  std::map<Timer, SteadyTime> deadlines;
  Timer lastTimer = 0;
  std::jthread thread;  // last: it uses all of the above

  void run(const std::stop_token& stop);
  void waitForWork(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  std::function<void()> takeNext();
};

void Dispatcher::State::waitForWork(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  auto firstDeadline = [this] { return timers.empty() ? SteadyTime::max() : timers.begin()->first.first; };
  auto due = firstDeadline();
  auto ready = [&] { return !tasks.empty() || firstDeadline() < due; };
  if (due == SteadyTime::max()) {
    changed.wait(lock, stop, ready);
  } else {
    changed.wait_until(lock, stop, due, ready);
  }
}

std::function<void()> Dispatcher::State::takeNext() {
  if (!timers.empty() && timers.begin()->first.first <= std::chrono::steady_clock::now()) {
    auto node = timers.extract(timers.begin());
    deadlines.erase(node.key().second);
    return std::move(node.mapped());
  }
  if (tasks.empty()) return nullptr;
  auto task = std::move(tasks.front());
  tasks.pop_front();
  return task;
}

void Dispatcher::State::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  for (;;) {
    auto task = takeNext();
    if (!task) {
      if (stop.stop_requested()) return;
      waitForWork(lock, stop);
      continue;
    }
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

Dispatcher::Dispatcher() : state_(std::make_unique<State>()) {
  state_->thread = std::jthread([state = state_.get()](const std::stop_token& stop) { state->run(stop); });
}

Dispatcher::~Dispatcher() {
  state_->thread.request_stop();
  state_->thread.join();
}

void Dispatcher::post(std::function<void()> task) {
  {
    std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->changed.notify_one();
}

Dispatcher::Timer Dispatcher::after(std::chrono::milliseconds delay, std::function<void()> task) {
  auto due = std::chrono::steady_clock::now() + delay;
  Timer timer = 0;
  {
    std::lock_guard lock(state_->mutex);
    timer = ++state_->lastTimer;
    state_->timers.emplace(std::pair(due, timer), std::move(task));
    state_->deadlines.emplace(timer, due);
  }
  state_->changed.notify_one();
  return timer;
}

void Dispatcher::cancel(Timer timer) {
  std::function<void()> dropped;  // declared first: destroyed after the lock is given back
  std::lock_guard lock(state_->mutex);
  auto found = state_->deadlines.find(timer);
  if (found == state_->deadlines.end()) return;
  auto node = state_->timers.extract({found->second, timer});
  if (!node.empty()) dropped = std::move(node.mapped());
  state_->deadlines.erase(found);
}

}  // namespace wherry::apiserver

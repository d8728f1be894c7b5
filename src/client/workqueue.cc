#include "client/workqueue.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "client/workqueue_metrics.h"
#include "meta/status.h"

namespace wherry::client {

namespace {

using TimePoint = std::chrono::steady_clock::time_point;

const base::Log& queueLog() {
  static const base::Log log("workqueue");
  return log;
}

}  // namespace

std::chrono::milliseconds retryDelay(unsigned failures) {
  constexpr std::chrono::milliseconds kFirst{5};
  constexpr std::chrono::milliseconds kMost{1'000'000};
  constexpr unsigned kDoublingsToMost = 18;
  if (failures >= kDoublingsToMost) return kMost;
  return std::min(kFirst * (1 << failures), kMost);
}

struct Workqueue::State {
  explicit State(std::string nameGiven) : name(std::move(nameGiven)), metrics(name) {}
  ~State() { metrics.countDropped(dirty.size()); }

  const std::string name;
  WorkqueueMetrics metrics;
  mutable std::mutex mutex;
  std::condition_variable_any filled;
  std::deque<std::string> ready;
  // Each with the time since when. To be worked on: in `ready`, or in `working` and changed since.
  std::unordered_map<std::string, TimePoint> dirty;
  std::unordered_map<std::string, TimePoint> working;  // taken and not done
  std::unordered_map<std::string, TimePoint> deadlines;
  std::set<std::pair<TimePoint, std::string>> waiting;  // the same, by time
  std::unordered_map<std::string, unsigned> failures;

  void addLocked(std::string key) {
    if (!dirty.try_emplace(key, std::chrono::steady_clock::now()).second) return;
    metrics.countAdd();
    if (working.contains(key)) return;
    ready.push_back(std::move(key));
    filled.notify_one();
  }

  void addAtLocked(std::string key, TimePoint at) {
    auto [found, isNew] = deadlines.try_emplace(key, at);
    if (!isNew) {
      if (found->second <= at) return;
      waiting.erase({found->second, key});
      found->second = at;
    }
    const bool earliest = waiting.empty() || at < waiting.begin()->first;
    waiting.emplace(at, std::move(key));
    if (earliest) filled.notify_one();
  }

  void addWhatIsDueLocked(TimePoint now) {
    while (!waiting.empty() && waiting.begin()->first <= now) {
      std::string key = std::move(waiting.extract(waiting.begin()).value().second);
      deadlines.erase(key);
      addLocked(std::move(key));
    }
  }
};

Workqueue::Workqueue(std::string name) : state_(std::make_unique<State>(std::move(name))) {}
Workqueue::~Workqueue() = default;

void Workqueue::add(std::string key) {
  std::lock_guard lock(state_->mutex);
  state_->addLocked(std::move(key));
}

void Workqueue::addAfter(std::string key, std::chrono::milliseconds delay) {
  if (delay <= delay.zero()) return add(std::move(key));
  std::lock_guard lock(state_->mutex);
  state_->addAtLocked(std::move(key), std::chrono::steady_clock::now() + delay);
}

void Workqueue::addRateLimited(std::string key) {
  std::lock_guard lock(state_->mutex);
  const auto delay = retryDelay(state_->failures[key]++);
  state_->metrics.countRetry();
  state_->addAtLocked(std::move(key), std::chrono::steady_clock::now() + delay);
}

void Workqueue::forget(const std::string& key) {
  std::lock_guard lock(state_->mutex);
  state_->failures.erase(key);
}

std::optional<std::string> Workqueue::take(std::stop_token stop) {
  std::unique_lock lock(state_->mutex);
  while (!stop.stop_requested()) {
    state_->addWhatIsDueLocked(std::chrono::steady_clock::now());
    if (!state_->ready.empty()) {
      std::string key = std::move(state_->ready.front());
      state_->ready.pop_front();
      const auto now = std::chrono::steady_clock::now();
      state_->metrics.countTake(now - state_->dirty.extract(key).mapped());
      state_->working.emplace(key, now);
      return key;
    }
    const auto somethingChanged = [&, earliest =
                                          state_->waiting.empty() ? TimePoint::max() : state_->waiting.begin()->first] {
      return !state_->ready.empty() || (!state_->waiting.empty() && state_->waiting.begin()->first < earliest);
    };
    if (state_->waiting.empty()) {
      state_->filled.wait(lock, stop, somethingChanged);
    } else {
      const TimePoint earliest = state_->waiting.begin()->first;
      state_->filled.wait_until(lock, stop, earliest, somethingChanged);
    }
  }
  return std::nullopt;
}

void Workqueue::done(const std::string& key) {
  std::lock_guard lock(state_->mutex);
  const auto taken = state_->working.extract(key);
  if (taken) state_->metrics.countDone(std::chrono::steady_clock::now() - taken.mapped());
  if (!state_->dirty.contains(key)) return;
  state_->ready.push_back(key);
  state_->filled.notify_one();
}

const std::string& Workqueue::name() const { return state_->name; }

size_t Workqueue::size() const {
  std::lock_guard lock(state_->mutex);
  return state_->ready.size();
}

namespace {

enum class Outcome { kDone, kRetry };

Outcome reconcileOnce(const std::string& name, const ReconcileLoop::Reconcile& reconcile, const std::string& key) {
  try {
    reconcile(key);
    return Outcome::kDone;
  } catch (const meta::StatusError& error) {
    if (error.isConflict() || error.isNotFound()) {
      queueLog().debug("{}: {} changed meanwhile: {}", name, key, error.message());
    } else {
      queueLog().warn("{}: {}: {}", name, key, error.message());
    }
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    queueLog().error("{}: {}: {}", name, key, error.what());
  }
  return Outcome::kRetry;
}

void work(Workqueue& queue, const ReconcileLoop::Reconcile& reconcile, std::stop_token stop) {
  while (const auto key = queue.take(stop)) {
    if (reconcileOnce(queue.name(), reconcile, *key) == Outcome::kDone) {
      queue.forget(*key);
    } else {
      queue.addRateLimited(*key);
    }
    queue.done(*key);
  }
}

}  // namespace

ReconcileLoop::ReconcileLoop(Workqueue& queue, Reconcile reconcile, unsigned workers)
    : queue_(queue), reconcile_(std::move(reconcile)) {
  for (unsigned i = 0; i < workers; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { work(queue_, reconcile_, stop); });
  }
}

ReconcileLoop::~ReconcileLoop() {
  for (auto& thread : threads_) thread.request_stop();
}

}  // namespace wherry::client

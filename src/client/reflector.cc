#include "client/reflector.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "base/log.h"

namespace wherry::client {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

const base::Log& reflectorLog() {
  static const base::Log log("reflector");
  return log;
}

// What the thread has to do, filled from any thread. Shared with the watches' wake functions, which may outlive us.
struct Inbox {
  std::mutex mutex;
  std::condition_variable_any filled;
  std::deque<Reflector::Id> ready;
  std::deque<std::function<void()>> tasks;
  bool closed = false;

  void wake(Reflector::Id id) {
    std::lock_guard lock(mutex);
    ready.push_back(id);
    filled.notify_one();
  }
};

// One resource being followed: nothing known, or a watch running from `revision`.
class Following {
 public:
  Following(Client& client, std::shared_ptr<Inbox> inbox, Reflector::Id id, meta::Resource resource,
            ListOptions options, Follower follower)
      : client_(client),
        inbox_(std::move(inbox)),
        id_(id),
        resource_(std::move(resource)),
        options_(std::move(options)),
        follower_(std::move(follower)) {}

  // Goes on as far as it can without waiting.
  void advance() {
    if (due_ && std::chrono::steady_clock::now() < *due_) return;  // a wake of the watch that was lost
    due_.reset();
    try {
      if (!watch_) connect();
      drain();
    } catch (const meta::StatusError& error) {
      lose(error);
    }
  }

  std::optional<Deadline> due() const { return due_; }

 private:
  // So many events are handed over before others get their turn.
  static constexpr int kBatch = 1024;

  void connect() {
    if (revision_ == 0) listAll();
    ListOptions options = options_;
    options.resourceVersion = std::to_string(revision_);
    watch_ = client_.watch(resource_, {}, options);
    watch_->onReady([inbox = inbox_, id = id_] { inbox->wake(id); });
  }

  void listAll() {
    ObjectList all = client_.list(resource_, {}, options_);
    revision_ = all.revision;
    follower_.onList(std::move(all));
    tellRevision();
  }

  void drain() {
    bool moved = false;
    for (int i = 0; i < kBatch; ++i) {
      const auto event = watch_->tryNext();
      if (!event) {
        if (moved) tellRevision();
        return;
      }
      failures_ = 0;
      moved = true;
      revision_ = std::max(revision_, event->revision);
      if (event->type != EventType::kBookmark) follower_.onEvent(*event);
    }
    tellRevision();
    inbox_->wake(id_);
  }

  void tellRevision() {
    if (follower_.onRevision) follower_.onRevision(revision_);
  }

  void lose(const meta::StatusError& error) {
    watch_.reset();
    ++failures_;
    if (error.isExpired()) revision_ = 0;
    const bool listAtOnce = error.isExpired() && failures_ == 1;
    const auto delay = listAtOnce ? std::chrono::milliseconds(0) : reconnectDelay(failures_);
    due_ = std::chrono::steady_clock::now() + delay;
    reflectorLog().debug("{}: {}; again in {} ms", resource_.groupResource().text(), error.message(), delay.count());
  }

  Client& client_;
  std::shared_ptr<Inbox> inbox_;
  Reflector::Id id_;
  meta::Resource resource_;
  ListOptions options_;
  Follower follower_;
  std::unique_ptr<Watch> watch_;
  int64_t revision_ = 0;  // 0: to be listed
  unsigned failures_ = 0;
  std::optional<Deadline> due_;
};

}  // namespace

std::chrono::milliseconds reconnectDelay(unsigned failures) {
  constexpr std::chrono::milliseconds kFirst{100};
  constexpr std::chrono::milliseconds kMost{30'000};
  return std::min(kFirst * (1 << std::min(failures - 1, 9u)), kMost);
}

struct Reflector::State {
  Client& client;
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();
  std::unordered_map<Id, std::unique_ptr<Following>> followings;  // the thread's own
  std::atomic<Id> lastId = 0;
  std::jthread thread;

  explicit State(Client& clientToUse) : client(clientToUse) {
    thread = std::jthread([this](std::stop_token stop) { run(stop); });
  }

  void advance(Id id) {
    const auto found = followings.find(id);
    if (found != followings.end()) found->second->advance();
  }

  std::optional<Deadline> earliestDue() const {
    std::optional<Deadline> earliest;
    for (const auto& [id, following] : followings) {
      const auto due = following->due();
      if (due && (!earliest || *due < *earliest)) earliest = due;
    }
    return earliest;
  }

  void advanceDue() {
    for (const auto& [id, following] : followings) {
      if (following->due()) following->advance();
    }
  }

  void waitForWork(std::unique_lock<std::mutex>& lock, std::stop_token stop) {
    const auto hasWork = [&] { return !inbox->ready.empty() || !inbox->tasks.empty(); };
    if (const auto due = earliestDue()) {
      inbox->filled.wait_until(lock, stop, *due, hasWork);
    } else {
      inbox->filled.wait(lock, stop, hasWork);
    }
  }

  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      std::deque<Id> ready;
      std::deque<std::function<void()>> tasks;
      {
        std::unique_lock lock(inbox->mutex);
        waitForWork(lock, stop);
        ready.swap(inbox->ready);
        tasks.swap(inbox->tasks);
      }
      for (const auto& task : tasks) task();
      for (const Id id : ready) advance(id);
      advanceDue();
    }
    followings.clear();
    std::deque<std::function<void()>> left;
    {
      std::lock_guard lock(inbox->mutex);
      inbox->closed = true;
      left.swap(inbox->tasks);
    }
  }
};

Reflector::Reflector(Client& client) : state_(std::make_unique<State>(client)) {}
Reflector::~Reflector() { stop(); }

Reflector::Id Reflector::follow(const meta::Resource& resource, const ListOptions& options, Follower follower) {
  const Id id = ++state_->lastId;
  auto following = std::make_shared<std::unique_ptr<Following>>(
      std::make_unique<Following>(state_->client, state_->inbox, id, resource, options, std::move(follower)));
  post([state = state_.get(), id, following] {
    state->followings.emplace(id, std::move(*following));
    state->advance(id);
  });
  return id;
}

void Reflector::unfollow(Id id) {
  // A task that is dropped at stop breaks its promise, which ends the wait as well.
  auto gone = std::make_shared<std::promise<void>>();
  auto isGone = gone->get_future();
  post([state = state_.get(), id, gone = std::move(gone)] {
    state->followings.erase(id);
    gone->set_value();
  });
  isGone.wait();
}

void Reflector::post(std::function<void()> task) {
  std::lock_guard lock(state_->inbox->mutex);
  if (state_->inbox->closed) return;
  state_->inbox->tasks.push_back(std::move(task));
  state_->inbox->filled.notify_one();
}

void Reflector::stop() {
  if (!state_->thread.joinable()) return;
  state_->thread.request_stop();
  state_->thread.join();
}

}  // namespace wherry::client

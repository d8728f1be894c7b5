#include "apiserver/event_expiry.h"

#include <deque>
#include <string>

#include "apiserver/stored_form.h"
#include "base/guarded.h"

namespace wherry::apiserver {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Written {
  std::string key;
  storage::Revision revision;
  SteadyTime due;
};

}  // namespace

struct EventExpiry::State : std::enable_shared_from_this<EventExpiry::State> {
  struct Queue {
    std::deque<Written> written;  // oldest first
    bool timerRuns = false;
  };

  State(storage::Store& s, Dispatcher& d, std::chrono::milliseconds l, size_t m)
      : store(s), dispatcher(d), life(l), most(m) {}

  void note(const storage::EntryPtr& entry);
  void expire();
  void remove(const Written& written);
  void startTimer(SteadyTime due);

  storage::Store& store;
  Dispatcher& dispatcher;
  std::chrono::milliseconds life;
  size_t most;
  base::Guarded<Queue> queue;
};

void EventExpiry::State::note(const storage::EntryPtr& entry) {
  Written written{entry->key, entry->modified, std::chrono::steady_clock::now() + life};
  std::vector<Written> surplus;
  bool start = queue.with([&](Queue& q) {
    q.written.push_back(written);
    while (q.written.size() > most) {
      surplus.push_back(std::move(q.written.front()));
      q.written.pop_front();
    }
    return !std::exchange(q.timerRuns, true);
  });
  // Not from within the commit that this is told by.
  for (auto& each : surplus) {
    dispatcher.post([self = shared_from_this(), each = std::move(each)] { self->remove(each); });
  }
  if (start) startTimer(written.due);
}

void EventExpiry::State::startTimer(SteadyTime due) {
  auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
  dispatcher.after(delay + std::chrono::milliseconds(1), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->expire();
  });
}

void EventExpiry::State::expire() {
  std::vector<Written> old;
  auto next = queue.with([&](Queue& q) -> std::optional<SteadyTime> {
    auto now = std::chrono::steady_clock::now();
    while (!q.written.empty() && q.written.front().due <= now) {
      old.push_back(std::move(q.written.front()));
      q.written.pop_front();
    }
    q.timerRuns = !q.written.empty();
    return q.timerRuns ? std::optional(q.written.front().due) : std::nullopt;
  });
  for (const auto& each : old) remove(each);
  if (next) startTimer(*next);
}

// An event that was written again since has a later place in the queue: the revision differs and nothing happens.
void EventExpiry::State::remove(const Written& written) {
  auto entry = store.newest(written.key);
  if (!entry || entry->modified != written.revision) return;
  store.remove(
      written.key, written.revision,
      [entry](storage::Revision revision) { return withRevision(entry->bytes, revision); },
      [](const storage::Committed&) {});
}

EventExpiry::EventExpiry(storage::Store& store, Dispatcher& dispatcher, std::chrono::milliseconds life, size_t most)
    : state_(std::make_shared<State>(store, dispatcher, life, most)) {}

EventExpiry::~EventExpiry() = default;

void EventExpiry::noteWritten(const storage::EntryPtr& entry) { state_->note(entry); }

}  // namespace wherry::apiserver

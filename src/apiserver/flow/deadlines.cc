#include "apiserver/flow/deadlines.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace wherry::apiserver {

using Time = std::chrono::steady_clock::time_point;

struct DeadlinesState : std::enable_shared_from_this<DeadlinesState> {
  explicit DeadlinesState(Dispatcher& d) : dispatcher(d) {}

  struct Waiting {
    std::map<std::pair<Time, uint64_t>, std::function<void()>> late;
    uint64_t lastId = 0;
    Time timerAt = Time::max();  // max: no timer runs
  };

  void setTimer(Waiting& waiting);
  void ring();

  Dispatcher& dispatcher;
  base::Guarded<Waiting> waiting;
};

// REQUIRES: the lock.
void DeadlinesState::setTimer(Waiting& now) {
  if (now.late.empty() || now.late.begin()->first.first >= now.timerAt) return;
  now.timerAt = now.late.begin()->first.first;
  auto delay = std::chrono::ceil<std::chrono::milliseconds>(now.timerAt - std::chrono::steady_clock::now());
  dispatcher.after(std::max(delay, std::chrono::milliseconds(0)), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->ring();
  });
}

void DeadlinesState::ring() {
  std::vector<std::function<void()>> due;
  waiting.with([&](Waiting& all) {
    auto now = std::chrono::steady_clock::now();
    while (!all.late.empty() && all.late.begin()->first.first <= now) {
      due.push_back(std::move(all.late.begin()->second));
      all.late.erase(all.late.begin());
    }
    all.timerAt = Time::max();
    setTimer(all);
  });
  for (auto& each : due) each();
}

Deadlines::Hold& Deadlines::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  release();
  state_ = std::exchange(other.state_, {});
  key_ = other.key_;
  return *this;
}

void Deadlines::Hold::release() {
  auto state = std::exchange(state_, {}).lock();
  if (!state) return;
  std::function<void()> dropped;  // destroyed after the lock is given back
  state->waiting.with([&](DeadlinesState::Waiting& waiting) {
    auto node = waiting.late.extract(key_);
    if (!node.empty()) dropped = std::move(node.mapped());
  });
}

Deadlines::Deadlines(Dispatcher& dispatcher) : state_(std::make_shared<DeadlinesState>(dispatcher)) {}

Deadlines::Hold Deadlines::add(std::chrono::milliseconds time, std::function<void()> late) {
  Hold hold;
  hold.state_ = state_;
  state_->waiting.with([&](DeadlinesState::Waiting& waiting) {
    hold.key_ = {std::chrono::steady_clock::now() + time, ++waiting.lastId};
    waiting.late.emplace(hold.key_, std::move(late));
    state_->setTimer(waiting);
  });
  return hold;
}

}  // namespace wherry::apiserver

#include "scheduler/pending_pods.h"

#include <algorithm>
#include <vector>

namespace wherry::scheduler {

namespace {

// Upstream's defaults: a second, twice as long each time, ten at most.
std::chrono::seconds backoffAfter(unsigned refusals) {
  constexpr std::chrono::seconds kMost{10};
  constexpr unsigned kDoublingsToMost = 4;
  return std::min(std::chrono::seconds(1 << std::min(refusals - 1, kDoublingsToMost)), kMost);
}

}  // namespace

PendingPods::Place PendingPods::placeOf(const meta::ObjectKey& key, const Entry& entry) {
  return {-entry.pod.spec().priority(), entry.arrival, key};
}

void PendingPods::takeOut(const meta::ObjectKey& key, const Entry& entry) {
  switch (entry.state) {
    case State::kReady:
      ready_.erase(placeOf(key, entry));
      break;
    case State::kBackoff:
      backoff_.erase(placeOf(key, entry));
      backoffEnds_.erase({entry.backoffEnd, key});
      break;
    case State::kParked:
      parkedCount_ -= parked_[entry.relief].erase(key);
      break;
    case State::kTaken:
      break;
  }
}

void PendingPods::makeReady(const meta::ObjectKey& key, Entry& entry) {
  entry.state = State::kReady;
  ready_.insert(placeOf(key, entry));
}

void PendingPods::put(core_v1::Pod pod) {
  const auto key = pod.key();
  auto [found, isNew] = pods_.try_emplace(key);
  Entry& entry = found->second;
  if (isNew) {
    entry.arrival = ++arrivals_;
  } else {
    takeOut(key, entry);
  }
  entry.pod = std::move(pod);
  makeReady(key, entry);
}

void PendingPods::remove(const meta::ObjectKey& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return;
  takeOut(key, found->second);
  pods_.erase(found);
}

void PendingPods::endBackoffs(Time now) {
  while (!backoffEnds_.empty() && backoffEnds_.begin()->first <= now) {
    const auto key = backoffEnds_.begin()->second;
    Entry& entry = pods_.at(key);
    takeOut(key, entry);
    makeReady(key, entry);
  }
}

std::optional<core_v1::Pod> PendingPods::take(Time now) {
  endBackoffs(now);
  const auto& from = ready_.empty() ? backoff_ : ready_;
  if (from.empty()) return std::nullopt;
  const auto key = std::get<meta::ObjectKey>(*from.begin());
  Entry& entry = pods_.at(key);
  takeOut(key, entry);
  entry.state = State::kTaken;
  return entry.pod;
}

void PendingPods::park(const meta::ObjectKey& key, Relief relief, Time now) {
  const auto found = pods_.find(key);
  if (found == pods_.end() || found->second.state != State::kTaken) return;
  Entry& entry = found->second;
  entry.state = State::kParked;
  entry.relief = relief;
  entry.backoffEnd = now + backoffAfter(++entry.refusals);
  parkedCount_ += parked_[relief].insert(key).second ? 1 : 0;
}

void PendingPods::retry(Relief occasion, Time now) {
  std::vector<meta::ObjectKey> helped;
  for (const auto& [relief, keys] : parked_) {
    if (helps(occasion, relief)) helped.insert(helped.end(), keys.begin(), keys.end());
  }
  for (const auto& key : helped) {
    Entry& entry = pods_.at(key);
    takeOut(key, entry);
    if (entry.backoffEnd <= now) {
      makeReady(key, entry);
      continue;
    }
    entry.state = State::kBackoff;
    backoff_.insert(placeOf(key, entry));
    backoffEnds_.emplace(entry.backoffEnd, key);
  }
}

}  // namespace wherry::scheduler

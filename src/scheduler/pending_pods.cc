#include "scheduler/pending_pods.h"

#include <vector>

namespace wherry::scheduler {

PendingPods::Place PendingPods::placeOf(const meta::ObjectKey& key, const Entry& entry) {
  return {-entry.pod.spec().priority(), entry.arrival, key};
}

void PendingPods::makeReady(const meta::ObjectKey& key, Entry& entry) {
  parked_.erase(key);
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
    ready_.erase(placeOf(key, entry));
  }
  entry.pod = std::move(pod);
  makeReady(key, entry);
}

void PendingPods::remove(const meta::ObjectKey& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return;
  ready_.erase(placeOf(key, found->second));
  parked_.erase(key);
  pods_.erase(found);
}

std::optional<core_v1::Pod> PendingPods::take() {
  if (ready_.empty()) return std::nullopt;
  const auto key = std::get<meta::ObjectKey>(*ready_.begin());
  ready_.erase(ready_.begin());
  Entry& entry = pods_.at(key);
  entry.state = State::kTaken;
  return entry.pod;
}

void PendingPods::park(const meta::ObjectKey& key, Relief relief) {
  const auto found = pods_.find(key);
  if (found == pods_.end() || found->second.state != State::kTaken) return;
  found->second.state = State::kParked;
  found->second.relief = relief;
  parked_.insert(key);
}

void PendingPods::retry(Relief occasion) {
  std::vector<meta::ObjectKey> helped;
  for (const auto& key : parked_) {
    if (helps(occasion, pods_.at(key).relief)) helped.push_back(key);
  }
  for (const auto& key : helped) makeReady(key, pods_.at(key));
}

}  // namespace wherry::scheduler

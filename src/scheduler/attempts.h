// What the scheduler remembers of its attempts: how long and how often it was tried to give pods a node, and whose
// binding failed. Not thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "client/workqueue.h"
#include "meta/gvk.h"

namespace wherry::scheduler {

// Pods whose binding failed, with the time to try them again.
class Retries {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void add(const meta::ObjectKey& key) {
    const auto at = std::chrono::steady_clock::now() + client::retryDelay(failures_[key]++);
    deadlines_.emplace(at, key);
  }
  void forget(const meta::ObjectKey& key) { failures_.erase(key); }

  std::optional<Time> earliest() const {
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
  }
  size_t size() const { return deadlines_.size(); }
  std::vector<meta::ObjectKey> takeDue(Time now) {
    std::vector<meta::ObjectKey> due;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      due.push_back(deadlines_.begin()->second);
      deadlines_.erase(deadlines_.begin());
    }
    return due;
  }

 private:
  std::map<meta::ObjectKey, unsigned> failures_;
  std::set<std::pair<Time, meta::ObjectKey>> deadlines_;
};

struct Trial {
  std::chrono::steady_clock::time_point start;  // of the first attempt
  unsigned attempts = 0;
};

class Trials {
 public:
  void begin(const meta::ObjectKey& key) { trials_.try_emplace(key, Trial{std::chrono::steady_clock::now(), 0}); }
  Trial countAttempt(const meta::ObjectKey& key) {
    const auto found = trials_.find(key);
    if (found == trials_.end()) return {std::chrono::steady_clock::now(), 1};
    ++found->second.attempts;
    return found->second;
  }
  void forget(const meta::ObjectKey& key) { trials_.erase(key); }

 private:
  std::map<meta::ObjectKey, Trial> trials_;
};

}  // namespace wherry::scheduler

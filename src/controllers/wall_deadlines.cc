#include "controllers/wall_deadlines.h"

#include <vector>

namespace wherry::controllers {

using base::WallTime;

namespace {

// There is no deadline: far away, and yet a time that a timer takes.
const WallTime kNever{std::chrono::seconds(9'000'000'000)};

}  // namespace

void WallDeadlines::Dates::erase(const std::string& key) {
  const auto found = ofKey.find(key);
  if (found == ofKey.end()) return;
  byTime.erase({found->second, key});
  ofKey.erase(found);
}

WallDeadlines::WallDeadlines(std::function<void(const std::string&)> due)
    : due_(std::move(due)), thread_([this](std::stop_token stop) { work(stop); }) {}

WallDeadlines::~WallDeadlines() {
  thread_.request_stop();
  alarm_.wake();
}

void WallDeadlines::set(const std::string& key, WallTime at) {
  const bool first = dates_.with([&](Dates& dates) {
    dates.erase(key);
    dates.ofKey[key] = at;
    dates.byTime.emplace(at, key);
    return dates.byTime.begin()->second == key;
  });
  if (first) alarm_.wake();
}

void WallDeadlines::forget(const std::string& key) {
  dates_.with([&](Dates& dates) { dates.erase(key); });
}

WallTime WallDeadlines::earliest() const {
  return dates_.with([](const Dates& dates) { return dates.byTime.empty() ? kNever : dates.byTime.begin()->first; });
}

void WallDeadlines::tellDue(WallTime now) {
  std::vector<std::string> keys;
  dates_.with([&](Dates& dates) {
    while (!dates.byTime.empty() && dates.byTime.begin()->first <= now) {
      keys.push_back(dates.byTime.begin()->second);
      dates.erase(keys.back());
    }
  });
  for (const auto& key : keys) due_(key);
}

void WallDeadlines::work(std::stop_token stop) {
  while (!stop.stop_requested()) {
    alarm_.wait(earliest());
    tellDue(base::Clock::system().now());
  }
}

}  // namespace wherry::controllers

#include "main/readiness.h"

#include <algorithm>

#include "base/log.h"

namespace wherry::main {
namespace {

const base::Log kLog("server");

}  // namespace

bool Readiness::Snapshot::ready() const {
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part.ready; });
}

void Readiness::set(const std::string& name, bool ready, std::string state) {
  current_.with([&](Snapshot& now) {
    auto at = std::find_if(now.parts.begin(), now.parts.end(), [&](const Part& part) { return part.name == name; });
    if (at == now.parts.end()) at = now.parts.insert(now.parts.end(), Part{name, {}, false});
    if (at->ready == ready && at->state == state) return;
    if (ready && !at->ready) kLog.info("{} is ready, {} ms after the start", name, elapsed().count());
    at->ready = ready;
    at->state = std::move(state);
    ++now.change;
    published_.publish(now);
  });
}

bool Readiness::waitReady(std::chrono::milliseconds atMost) const {
  return published_.waitUntil([](const Snapshot& now) { return now.ready(); }, atMost);
}

void Readiness::waitChange(int64_t seen, std::chrono::milliseconds atMost) const {
  published_.waitUntil([&](const Snapshot& now) { return now.change != seen; }, atMost);
}

std::chrono::milliseconds Readiness::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
}

json::Array toJson(const std::vector<Readiness::Part>& parts) {
  json::Array out;
  for (const Readiness::Part& part : parts) {
    out.push_back({{"name", part.name}, {"ready", part.ready}, {"state", part.state}});
  }
  return out;
}

}  // namespace wherry::main

#include "main/readiness.h"

#include <algorithm>

namespace wherry::main {
namespace {

bool allReady(const std::vector<Readiness::Part>& parts) {
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part.ready; });
}

}  // namespace

void Readiness::set(const std::string& name, bool ready, std::string state) {
  parts_.with([&](std::vector<Part>& parts) {
    auto at = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.name == name; });
    if (at == parts.end()) at = parts.insert(parts.end(), Part{name, {}, false});
    at->ready = ready;
    at->state = std::move(state);
    published_.publish(parts);
  });
}

bool Readiness::ready() const { return allReady(*published_.load()); }

bool Readiness::waitReady(std::chrono::milliseconds atMost) const { return published_.waitUntil(allReady, atMost); }

json::Array Readiness::toJson() const {
  json::Array out;
  for (const Part& part : *published_.load()) {
    out.push_back({{"name", part.name}, {"ready", part.ready}, {"state", part.state}});
  }
  return out;
}

}  // namespace wherry::main

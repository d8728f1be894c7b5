#include "kubelet/eviction/thresholds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/quantity.h"

namespace wherry::kubelet {

namespace {

using std::chrono::seconds;

struct SignalFacts {
  Signal signal;
  std::string_view name, resource, condition;
};
constexpr std::array<SignalFacts, 6> kSignals{{
    {Signal::kMemory, "memory.available", "memory", "MemoryPressure"},
    {Signal::kNodeFs, "nodefs.available", "ephemeral-storage", "DiskPressure"},
    {Signal::kNodeFsInodes, "nodefs.inodesFree", "inodes", "DiskPressure"},
    {Signal::kImageFs, "imagefs.available", "ephemeral-storage", "DiskPressure"},
    {Signal::kImageFsInodes, "imagefs.inodesFree", "inodes", "DiskPressure"},
    {Signal::kPids, "pid.available", "pids", "PIDPressure"},
}};

const SignalFacts& factsOf(Signal signal) { return kSignals[static_cast<size_t>(signal)]; }

[[noreturn]] void refuse(std::string_view part, std::string_view why) {
  throw std::invalid_argument(fmt::format("{}: {}", part, why));
}

Signal parseSignal(std::string_view part, std::string_view name) {
  const auto found =
      std::find_if(kSignals.begin(), kSignals.end(), [&](const SignalFacts& facts) { return facts.name == name; });
  if (found == kSignals.end()) refuse(part, "unsupported eviction signal");
  return found->signal;
}

Amount parseAmount(std::string_view part, std::string_view text) {
  if (text.ends_with('%')) {
    const auto percent = meta::Quantity::parse(text.substr(0, text.size() - 1));
    if (!percent || percent->negative() || percent->milli() > 100'000) refuse(part, "a percentage is from 0% to 100%");
    return {0, static_cast<double>(percent->milli()) / 100'000};
  }
  const auto quantity = meta::Quantity::parse(text);
  if (!quantity || quantity->negative()) refuse(part, "not a quantity");
  return {quantity->value(), 0};
}

// As Go writes it, in whole seconds: "1h30m", "90s".
seconds parsePeriod(std::string_view part, std::string_view text) {
  seconds total{0};
  if (text.empty()) refuse(part, "not a duration");
  while (!text.empty()) {
    const auto end = text.find_first_not_of("0123456789");
    const auto number = end == text.npos ? std::nullopt : base::parseInt<int32_t>(text.substr(0, end));
    constexpr std::string_view kUnits = "smh";
    constexpr std::array<int, 3> kLengths{1, 60, 3600};
    const auto unit = end == text.npos ? kUnits.npos : kUnits.find(text[end]);
    if (!number || unit == kUnits.npos) refuse(part, "not a duration");
    total += seconds(int64_t{*number} * kLengths[unit]);
    text.remove_prefix(end + 1);
  }
  return total;
}

// Calls f(part, signal, text behind the separator) for each of a list "signal<text,signal<text".
template <typename F>
void eachOf(std::string_view list, char separator, F f) {
  std::set<Signal> seen;
  for (const auto part : base::split(list, ',')) {
    if (part.empty()) continue;
    const auto sides = base::splitOnce(part, separator);
    if (!sides) refuse(part, fmt::format("expected SIGNAL{}VALUE", separator));
    const Signal signal = parseSignal(part, sides->first);
    if (!seen.insert(signal).second) refuse(part, "given twice");
    f(part, signal, sides->second);
  }
}

bool isMet(const Threshold& threshold, const Supplies& supplies, bool enough) {
  const auto at = supplies.find(threshold.signal);
  if (at == supplies.end()) return false;
  const auto& [capacity, available] = at->second;
  const int64_t more = enough ? threshold.reclaim.of(capacity) : 0;
  return available < threshold.least.of(capacity) + more;
}

void comeBack(PressureDecision& decision, base::WallTime at) {
  if (!decision.again || at < *decision.again) decision.again = at;
}

}  // namespace

std::string_view nameOf(Signal signal) { return factsOf(signal).name; }
std::string_view resourceOf(Signal signal) { return factsOf(signal).resource; }
std::string_view conditionOf(Signal signal) { return factsOf(signal).condition; }

int64_t Amount::of(int64_t capacity) const {
  return share > 0 ? static_cast<int64_t>(std::llround(share * static_cast<double>(capacity))) : value;
}

EvictionSettings parseEviction(const EvictionFlags& flags) {
  EvictionSettings settings{.maxPodGrace = seconds(flags.maxPodGraceSeconds),
                            .transition = parsePeriod(flags.transition, flags.transition)};
  const auto add = [&](std::string_view part, Signal signal, std::string_view text) {
    settings.thresholds.push_back({signal, parseAmount(part, text), {}, {}});
  };
  eachOf(flags.hard, '<', add);
  const size_t hard = settings.thresholds.size();
  eachOf(flags.soft, '<', add);
  eachOf(flags.softGrace, '=', [&](std::string_view part, Signal signal, std::string_view text) {
    for (size_t i = hard; i < settings.thresholds.size(); ++i) {
      if (settings.thresholds[i].signal == signal) settings.thresholds[i].grace = parsePeriod(part, text);
    }
  });
  for (size_t i = hard; i < settings.thresholds.size(); ++i) {
    if (!settings.thresholds[i].grace) {
      refuse(nameOf(settings.thresholds[i].signal), "a soft threshold must have a grace period");
    }
  }
  eachOf(flags.minimumReclaim, '=', [&](std::string_view part, Signal signal, std::string_view text) {
    for (auto& threshold : settings.thresholds) {
      if (threshold.signal == signal) threshold.reclaim = parseAmount(part, text);
    }
  });
  return settings;
}

PressureDecision decidePressure(const EvictionSettings& settings, const Supplies& supplies, PressureState& state,
                                base::WallTime now) {
  PressureDecision decision;
  std::set<size_t> due;
  for (size_t i = 0; i < settings.thresholds.size(); ++i) {
    const Threshold& threshold = settings.thresholds[i];
    if (!isMet(threshold, supplies, state.unresolved.contains(i))) {
      state.metSince.erase(i);
      continue;
    }
    const auto since = state.metSince.try_emplace(i, now).first->second;
    state.lastSeen.insert_or_assign(std::string(conditionOf(threshold.signal)), now);
    if (threshold.grace && now < since + *threshold.grace) {
      comeBack(decision, since + *threshold.grace);
    } else {
      due.insert(i);
    }
  }
  state.unresolved = due;
  for (auto at = state.lastSeen.begin(); at != state.lastSeen.end();) {
    const auto end = at->second + settings.transition;
    if (at->second != now && end <= now) {
      at = state.lastSeen.erase(at);
      continue;
    }
    decision.conditions.insert(at->first);
    if (at->second != now) comeBack(decision, end);
    ++at;
  }
  // The most urgent one, and of one signal the hard one, which is first.
  for (const size_t i : due) {
    const Threshold& threshold = settings.thresholds[i];
    if (!decision.reclaim || threshold.signal < decision.reclaim->signal) decision.reclaim = threshold;
  }
  return decision;
}

}  // namespace wherry::kubelet

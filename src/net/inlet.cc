#include "net/inlet.h"

#include <utility>

namespace wherry::net {

void Inlet::push(std::string_view data) {
  if (data.empty()) return;
  bool dropped = false;
  auto direct = state_.with([&](State& state) -> decltype(state.read) {
    dropped = state.closed || state.ended;
    if (dropped) return nullptr;
    if (!state.busy && !state.paused && state.waiting.empty() && state.read) {
      state.busy = true;
      return state.read;
    }
    state.waiting.append(data);
    return nullptr;
  });
  if (dropped) return events_.taken(data.size());
  if (!direct) return;
  (*direct)(data);
  events_.taken(data.size());
  proceed();
}

void Inlet::end() {
  state_.with([](State& state) { state.ended = true; });
  run();
}

size_t Inlet::close() {
  State gone;  // destroyed with the lock released
  state_.with([&](State& state) {
    std::swap(gone, state);
    state.closed = true;
    state.busy = gone.busy;
  });
  return gone.waiting.size();
}

void Inlet::onRead(std::function<void(std::string_view)> handler) {
  auto shared = std::make_shared<const std::function<void(std::string_view)>>(std::move(handler));
  state_.with([&](State& state) {
    if (!state.closed) state.read.swap(shared);
  });
  run();
}

void Inlet::onEnd(std::function<void()> handler) {
  state_.with([&](State& state) {
    if (!state.closed) state.end.swap(handler);
  });
  run();
}

void Inlet::pause(bool paused) {
  state_.with([&](State& state) { state.paused = paused; });
  if (!paused) run();
}

std::optional<Inlet::Step> Inlet::nextStep(State& state) {
  if (state.closed) return std::nullopt;
  if (!state.waiting.empty()) {
    if (state.paused || !state.read) return std::nullopt;
    return Step{state.read, std::exchange(state.waiting, {}), nullptr};
  }
  if (!state.ended || state.told || !state.end) return std::nullopt;
  state.told = true;
  return Step{nullptr, {}, std::exchange(state.end, nullptr)};
}

void Inlet::run() {
  bool mine = state_.with([](State& state) { return !std::exchange(state.busy, true); });
  if (mine) proceed();
}

void Inlet::proceed() {
  for (;;) {
    auto step = state_.with([](State& state) {
      auto next = nextStep(state);
      if (!next) state.busy = false;
      return next;
    });
    if (!step) return;
    if (step->read) {
      (*step->read)(step->data);
      events_.taken(step->data.size());
    } else {
      step->end();
      events_.over();
    }
  }
}

}  // namespace wherry::net

#include "kubelet/pods/drain_gate.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "views/discovery_v1.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kByPod = "targetUid";

std::vector<std::string> podsOf(const meta::Object& slice) {
  std::vector<std::string> uids;
  const json::Value* endpoints = json::find(slice.tree(), "endpoints");
  if (!endpoints || !endpoints->is_array()) return uids;
  for (const json::Value& endpoint : endpoints->get_array()) {
    std::string_view uid = json::getString(endpoint, "targetRef.uid");
    if (!uid.empty()) uids.emplace_back(uid);
  }
  return uids;
}

milliseconds left(steady_clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - steady_clock::now()));
}

}  // namespace

SliceView viewSlices(const std::vector<meta::ObjectPtr>& slices, std::string_view podUid) {
  SliceView view;
  for (const meta::ObjectPtr& object : slices) {
    discovery_v1::EndpointSlice slice(object);
    for (auto endpoint : slice.endpoints()) {
      if (endpoint.targetRef().uid() != podUid) continue;
      view.listed = true;
      view.offered = view.offered || !endpoint.conditions().terminating();
      view.revision = std::max(view.revision, object->revision());
    }
  }
  return view;
}

struct DrainGate::State {
  client::Informer& slices;
  AppliedRevisions applied;
  mutable std::mutex mutex;
  mutable std::condition_variable_any changed;
  uint64_t changes = 0;
  int64_t seen = 0;  // revision up to which the slices are known

  State(client::Informer& informer, AppliedRevisions revisions) : slices(informer), applied(std::move(revisions)) {}

  void noteChange() {
    std::lock_guard lock(mutex);
    ++changes;
    changed.notify_all();
  }

  // The cache is read outside the lock: the informer may call us while it holds its own.
  std::optional<SliceView> waitMarked(std::string_view podUid, steady_clock::time_point deadline,
                                      std::stop_token stop) const {
    for (;;) {
      std::unique_lock lock(mutex);
      uint64_t before = changes;
      lock.unlock();
      SliceView view = viewSlices(slices.byIndex(kByPod, std::string(podUid)), podUid);
      if (!view.offered) return view;
      lock.lock();
      if (!changed.wait_until(lock, stop, deadline, [&] { return changes != before; })) return std::nullopt;
    }
  }
};

DrainGate::DrainGate(client::Informer& endpointSlices, AppliedRevisions applied)
    : state_(std::make_shared<State>(endpointSlices, std::move(applied))) {
  endpointSlices.addIndex(kByPod, podsOf);
  auto state = state_;
  endpointSlices.addHandler(
      {.onChange = [state](const meta::ObjectPtr&, const meta::ObjectPtr&) { state->noteChange(); },
       .onRevision =
           [state](int64_t revision) {
             std::lock_guard lock(state->mutex);
             state->seen = revision;
           }});
}

DrainGate::~DrainGate() = default;

bool DrainGate::wait(std::string_view podUid, milliseconds atMost, std::stop_token stop) const {
  auto deadline = steady_clock::now() + atMost;
  if (!viewSlices(state_->slices.byIndex(kByPod, std::string(podUid)), podUid).listed) return true;
  auto marked = state_->waitMarked(podUid, deadline, std::move(stop));
  if (!marked) return false;
  int64_t required = marked->revision;
  if (!marked->listed) {
    std::lock_guard lock(state_->mutex);
    required = state_->seen;
  }
  for (const auto* applied : state_->applied) {
    if (!applied->waitUntil([&](int64_t revision) { return revision >= required; }, left(deadline))) return false;
  }
  return true;
}

}  // namespace wherry::kubelet

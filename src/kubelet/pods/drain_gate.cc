#include "kubelet/pods/drain_gate.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

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
  int64_t seen = 0;  // revision up to which the slices are known

  State(client::Informer& informer, AppliedRevisions revisions) : slices(informer), applied(std::move(revisions)) {}
};

DrainGate::DrainGate(client::Informer& endpointSlices, AppliedRevisions applied)
    : state_(std::make_shared<State>(endpointSlices, std::move(applied))) {
  endpointSlices.addIndex(kByPod, podsOf);
  auto state = state_;
  endpointSlices.addHandler({.onChange = [state](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
    std::lock_guard lock(state->mutex);
    state->seen = std::max(state->seen, (after ? after : before)->revision());
    state->changed.notify_all();
  }});
}

DrainGate::~DrainGate() = default;

bool DrainGate::wait(std::string_view podUid, milliseconds atMost, std::stop_token stop) const {
  auto deadline = steady_clock::now() + atMost;
  auto view = [&] { return viewSlices(state_->slices.byIndex(kByPod, std::string(podUid)), podUid); };
  SliceView now = view();
  if (!now.listed) return true;
  std::unique_lock lock(state_->mutex);
  // The lock is the handler's, not the cache's: reading the cache under it is no more than a lookup.
  bool marked = state_->changed.wait_until(lock, stop, deadline, [&] { return !(now = view()).offered; });
  int64_t required = now.listed ? now.revision : state_->seen;
  lock.unlock();
  if (!marked) return false;
  for (const auto* applied : state_->applied) {
    if (!applied->waitUntil([&](int64_t revision) { return revision >= required; }, left(deadline))) return false;
  }
  return true;
}

}  // namespace wherry::kubelet

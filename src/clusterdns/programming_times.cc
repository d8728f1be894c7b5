#include "clusterdns/programming_times.h"

#include "json/value.h"
#include "meta/time.h"

namespace wherry::clusterdns {
namespace {

constexpr std::string_view kTrigger = "endpoints.kubernetes.io/last-change-trigger-time";

const json::Array& arrayAt(const json::Value& object, std::string_view path) {
  static const json::Array kEmpty;
  const json::Value* value = json::find(object, path);
  return value && value->is_array() ? value->get_array() : kEmpty;
}

bool isReady(const meta::Object& pod) {
  for (const json::Value& condition : arrayAt(pod.tree(), "status.conditions")) {
    if (json::getString(condition, "type") == "Ready") return json::getString(condition, "status") == "True";
  }
  return false;
}

}  // namespace

void ProgrammingTimes::podChanged(const meta::ObjectPtr& before, const meta::ObjectPtr& after,
                                  const base::Clock& clock) {
  // What is there already when we begin has not just changed.
  if (!before) return;
  if (!after) {
    pods_.erase(before->key());
  } else if (isReady(*before) != isReady(*after)) {
    pods_[after->key()] = clock.monotonicNow();
  }
}

void ProgrammingTimes::sliceChanged(const meta::Object& slice, const meta::ObjectKey& service,
                                    const base::Clock& clock) {
  if (auto trigger = meta::parseTime(slice.metadata().annotation(kTrigger))) {
    begun_.emplace_back(service, clock.monotonicNow() - (clock.now() - *trigger));
    return;
  }
  if (pods_.empty()) return;
  for (const json::Value& endpoint : arrayAt(slice.tree(), "endpoints")) {
    auto pod =
        pods_.find({std::string(slice.metadata().ns()), std::string(json::getString(endpoint, "targetRef.name"))});
    if (pod == pods_.end()) continue;
    begun_.emplace_back(service, pod->second);
    pods_.erase(pod);
  }
}

}  // namespace wherry::clusterdns

#include "scheduler/siblings.h"

namespace wherry::scheduler {

namespace {

bool selects(const json::Object& selector, const json::Object& labels) {
  if (selector.empty()) return false;
  for (const auto& [key, value] : selector) {
    const json::Value* own = labels.if_contains(key);
    if (!own || *own != value) return false;
  }
  return true;
}

void merge(const json::Object& from, json::Object& into) {
  for (const auto& [key, value] : from) into[key] = value;
}

void addController(const core_v1::Pod& pod, const Workloads& workloads, json::Object& labels,
                   json::Array& expressions) {
  const json::Object* owner = pod.metadata().controllerRef();
  if (!owner) return;
  const auto kind = json::getString(*owner, "kind");
  const auto controller = workloads.controller(kind, pod.metadata().ns(), json::getString(*owner, "name"));
  const auto* selector = controller ? json::find(controller->tree(), "spec.selector") : nullptr;
  if (!selector || !selector->is_object()) return;
  // A ReplicationController has nothing but labels.
  if (kind == "ReplicationController") return merge(selector->get_object(), labels);
  if (const auto* equal = json::find(*selector, "matchLabels"); equal && equal->is_object()) {
    merge(equal->get_object(), labels);
  }
  if (const auto* more = json::find(*selector, "matchExpressions"); more && more->is_array()) {
    expressions.insert(expressions.end(), more->get_array().begin(), more->get_array().end());
  }
}

}  // namespace

meta::LabelSelector siblingsOf(const core_v1::Pod& pod, const Workloads& workloads) {
  json::Object labels;
  json::Array expressions;
  for (const auto& object : workloads.services(pod.metadata().ns())) {
    const core_v1::Service service(object);
    const auto& selector = service.spec().selector().tree();
    if (selects(selector, pod.metadata().labels())) merge(selector, labels);
  }
  addController(pod, workloads, labels, expressions);
  if (labels.empty() && expressions.empty()) return meta::LabelSelector::nothing();
  const json::Value selector =
      json::Object{{"matchLabels", std::move(labels)}, {"matchExpressions", std::move(expressions)}};
  return meta::LabelSelector::fromObject(&selector);
}

}  // namespace wherry::scheduler

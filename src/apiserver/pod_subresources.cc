#include "apiserver/pod_subresources.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/authorization/node_restriction.h"
#include "apiserver/delete_options.h"
#include "apiserver/object_deleter.h"
#include "apiserver/object_meta.h"
#include "apiserver/object_writer.h"
#include "meta/selector.h"

namespace wherry::apiserver {
namespace {

const meta::GroupResource kBindingResource{"", "pods/binding"};
constexpr size_t kMaxDisruptedPods = 2000;

void succeed(const OnWritten& done) {
  Written written;
  written.code = 201;
  written.object = std::make_shared<const std::string>(
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})");
  done(std::move(written));
}

void checkBinding(const json::Value& binding, const std::string& pod) {
  meta::FieldErrors errors;
  auto kind = json::getString(binding, "target.kind");
  if (!kind.empty() && kind != "Node") {
    errors.push_back(meta::notSupportedField("target.kind", json::Value(kind), {"Node", "<empty>"}));
  }
  if (json::getString(binding, "target.name").empty()) errors.push_back(meta::requiredField("target.name"));
  if (!errors.empty()) throw meta::invalid({"", "v1", "Binding"}, pod, errors);
}

void checkBindable(const json::Value& pod, const std::string& name) {
  if (!json::getString(pod, "metadata.deletionTimestamp").empty()) {
    throw meta::conflict(kBindingResource, name,
                         fmt::format("pod {} is being deleted, cannot be assigned to a host", name));
  }
  if (auto node = json::getString(pod, "spec.nodeName"); !node.empty()) {
    throw meta::conflict(kBindingResource, name, fmt::format("pod {} is already assigned to node \"{}\"", name, node));
  }
  const auto* gates = json::find(pod, "spec.schedulingGates");
  if (gates && gates->is_array() && !gates->get_array().empty()) {
    throw meta::conflict(kBindingResource, name, fmt::format("pod {} has non-empty .spec.schedulingGates", name));
  }
}

void copyMap(json::Value& pod, const json::Value& binding, std::string_view key) {
  const auto* from = json::find(binding, fmt::format("metadata.{}", key));
  if (!from || !from->is_object()) return;
  auto& to = json::ensureObject(requireMetadata(pod), key);
  for (const auto& member : from->get_object()) to[member.key()] = member.value();
}

void setScheduled(json::Value& pod, const std::string& time) {
  auto& conditions = json::ensureArray(json::ensureObject(pod.as_object(), "status"), "conditions");
  json::Value scheduled = json::Object{
      {"type", "PodScheduled"}, {"status", "True"}, {"lastProbeTime", nullptr}, {"lastTransitionTime", time}};
  for (auto& condition : conditions) {
    if (json::getString(condition, "type") != "PodScheduled") continue;
    condition = std::move(scheduled);
    return;
  }
  conditions.push_back(std::move(scheduled));
}

// The budgets that cover a pod; upstream refuses to decide between two.
std::vector<meta::ObjectPtr> budgetsOf(const Backend& backend, const meta::Object& pod) {
  std::vector<meta::ObjectPtr> covering;
  for (const auto& budget : backend.objects.list({"policy", "poddisruptionbudgets"}, pod.metadata().ns())) {
    auto selector = meta::LabelSelector::fromObject(json::find(budget->tree(), "spec.selector"));
    if (selector.matches(pod.metadata().labels())) covering.push_back(budget);
  }
  return covering;
}

bool needsNoBudget(const json::Value& pod) {
  auto phase = json::getString(pod, "status.phase");
  return phase == "Succeeded" || phase == "Failed" || phase == "Pending" ||
         !json::getString(pod, "metadata.deletionTimestamp").empty();
}

meta::StatusError disruptionRefused(std::string why) {
  // Without a Retry-After: old clients would wait for it in silence, ten times, before they tell their user.
  meta::StatusError error(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
  json::Object cause{{"reason", "DisruptionBudget"}, {"message", std::move(why)}};
  error.withDetails({{"causes", json::Array{std::move(cause)}}});
  return error;
}

// Throws when the budget does not let a pod go now.
void requireDisruptionAllowed(const json::Value& budget) {
  auto name = json::getString(budget, "metadata.name");
  if (json::getInt(budget, "status.observedGeneration") < json::getInt(budget, "metadata.generation")) {
    throw disruptionRefused(fmt::format("The disruption budget {} is still being processed by the server.", name));
  }
  const auto* disrupted = json::find(budget, "status.disruptedPods");
  if (disrupted && disrupted->is_object() && disrupted->get_object().size() > kMaxDisruptedPods) {
    throw meta::forbidden({"policy", "poddisruptionbudgets"}, name,
                          "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (json::getInt(budget, "status.disruptionsAllowed") <= 0) {
    throw disruptionRefused(fmt::format("The disruption budget {} needs {} healthy pods and has {} currently", name,
                                        json::getInt(budget, "status.desiredHealthy"),
                                        json::getInt(budget, "status.currentHealthy")));
  }
}

bool isReady(const json::Value& pod) {
  const auto* conditions = json::find(pod, "status.conditions");
  if (!conditions || !conditions->is_array()) return false;
  return std::ranges::any_of(conditions->get_array(), [](const json::Value& condition) {
    return json::getString(condition, "type") == "Ready" && json::getString(condition, "status") == "True";
  });
}

// A pod that serves nobody may go without being counted: always, or while the others are enough (KEP-3017).
bool mayGoUnhealthy(const json::Value& pod, const json::Value& budget) {
  if (isReady(pod)) return false;
  if (json::getString(budget, "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow") return true;
  auto desired = json::getInt(budget, "status.desiredHealthy");
  return desired > 0 && json::getInt(budget, "status.currentHealthy") >= desired;
}

// Takes one allowed disruption out of the budget, then goes on.
void chargeBudget(Backend& backend, const WriteContext& pod, const meta::ObjectPtr& budget, OnWritten done) {
  WriteContext context = pod;
  context.kind = backend.kinds()->findResource("policy", "v1", "poddisruptionbudgets");
  context.name = budget->metadata().name();
  context.subresource = "status";
  Change change;
  change.next = [podName = pod.name, time = backend.now()](const json::Value* stored) {
    requireDisruptionAllowed(*stored);
    auto allowed = json::getInt(*stored, "status.disruptionsAllowed");
    json::Value next = *stored;
    auto& status = json::ensureObject(next.as_object(), "status");
    status["disruptionsAllowed"] = allowed - 1;
    json::ensureObject(status, "disruptedPods")[podName] = time;
    return next;
  };
  updateObject(backend, std::move(context), std::move(change), std::move(done));
}

void deleteEvicted(Backend& backend, WriteContext context, client::DeleteOptions options, OnWritten done) {
  deleteObject(backend, std::move(context), std::move(options), [done = std::move(done)](Written written) {
    if (written.error) return done(std::move(written));
    succeed(done);
  });
}

}  // namespace

void bindPod(Backend& backend, WriteContext context, const json::Value& binding, OnWritten done) {
  checkBinding(binding, context.name);
  Change change;
  change.raw = true;
  change.next = [binding, name = context.name, time = backend.now()](const json::Value* stored) {
    checkBindable(*stored, name);
    json::Value pod = *stored;
    if (auto uid = json::getString(binding, "metadata.uid"); !uid.empty()) requireMetadata(pod)["uid"] = uid;
    json::ensureObject(pod.as_object(), "spec")["nodeName"] = json::getString(binding, "target.name");
    copyMap(pod, binding, "annotations");
    copyMap(pod, binding, "labels");
    setScheduled(pod, time);
    // It has its node; the promise of one would be stale from now on (KEP-5278).
    json::ensureObject(pod.as_object(), "status").erase("nominatedNodeName");
    return pod;
  };
  updateObject(backend, std::move(context), std::move(change), [done = std::move(done)](Written written) {
    if (written.error) return done(std::move(written));
    succeed(done);
  });
}

void evictPod(Backend& backend, WriteContext context, const json::Value& eviction, OnWritten done) {
  auto name = json::getString(eviction, "metadata.name");
  if (!name.empty() && name != context.name) {
    throw meta::badRequest(
        fmt::format("name in URL does not match name in Eviction object: {} != {}", context.name, name));
  }
  client::DeleteOptions options;
  if (const auto* own = json::find(eviction, "deleteOptions")) options = parseDeleteOptions(*own).options;
  auto pod = backend.objects.find({"", "pods"}, context.ns, context.name);
  if (!pod) throw meta::notFound({"", "pods"}, context.name);
  restrictEviction(*context.user, *pod);
  auto budgets = needsNoBudget(pod->tree()) ? std::vector<meta::ObjectPtr>() : budgetsOf(backend, *pod);
  if (budgets.size() > 1) {
    throw meta::internalError(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  }
  bool free = budgets.empty() || mayGoUnhealthy(pod->tree(), budgets.front()->tree());
  if (free) return deleteEvicted(backend, std::move(context), std::move(options), std::move(done));
  auto charge = context;
  chargeBudget(backend, charge, budgets.front(),
               [&backend, context = std::move(context), options, done = std::move(done)](Written written) mutable {
                 if (written.error) return done(std::move(written));
                 try {
                   deleteEvicted(backend, std::move(context), options, done);
                 } catch (const meta::StatusError& error) {
                   done(Written::failure(error));
                 }
               });
}

}  // namespace wherry::apiserver

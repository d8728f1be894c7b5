#include "controllers/namespace.h"

#include <map>

#include <fmt/format.h>

#include "base/strings.h"
#include "client/workqueue.h"
#include "controllers/object_feed.h"
#include "controllers/status_writer.h"
#include "meta/conditions.h"
#include "meta/time.h"
#include "views/core_v1.h"

namespace wherry::controllers {

namespace {

using core_v1::Namespace;
using meta::ObjectPtr;

constexpr std::string_view kFinalizer = "kubernetes";

bool hasFinalizer(const Namespace& ns) {
  for (const auto finalizer : ns.spec().finalizers()) {
    if (finalizer == kFinalizer) return true;
  }
  return false;
}

json::Value finalized(const Namespace& ns) {
  json::Value draft = ns.object()->tree();
  json::Array kept;
  for (const auto finalizer : ns.spec().finalizers()) {
    if (finalizer != kFinalizer) kept.emplace_back(finalizer);
  }
  json::ensureObject(draft.as_object(), "spec")["finalizers"] = std::move(kept);
  return draft;
}

// "Some resources are remaining: pods. has 1 resource instances, secrets. has 2 resource instances"
std::string renderContent(const std::vector<RemainingContent>& remaining) {
  std::vector<std::string> parts;
  for (const auto& content : remaining) {
    parts.push_back(fmt::format("{}.{} has {} resource instances", content.resource.resource, content.resource.group,
                                content.objects.size()));
  }
  return "Some resources are remaining: " + base::join(parts, ", ");
}

std::map<std::string, int> countFinalizers(const std::vector<RemainingContent>& remaining) {
  std::map<std::string, int> counts;
  for (const auto& content : remaining) {
    for (const auto& object : content.objects) {
      for (const auto& finalizer : object->metadata().finalizers()) {
        if (finalizer.is_string()) ++counts[std::string(finalizer.get_string())];
      }
    }
  }
  return counts;
}

std::string renderFinalizers(const std::map<std::string, int>& counts) {
  std::vector<std::string> parts;
  for (const auto& [finalizer, count] : counts)
    parts.push_back(fmt::format("{} in {} resource instances", finalizer, count));
  return "Some content in the namespace has finalizers remaining: " + base::join(parts, ", ");
}

class NamespaceController : public Controller {
 public:
  explicit NamespaceController(ControllerContext& context)
      : context_(context), feed_(sharedFeed(context)), namespaces_(context.informers.informer(Namespace::kResource())) {
    namespaces_.addHandler({.onChange =
                                [this](const ObjectPtr&, const ObjectPtr& after) {
                                  if (after && after->metadata().deleting()) queue_.add(after->key().name);
                                },
                            .onSynced = {},
                            .onRevision = {}});
    feed_->subscribe({.onPut = [](Uid, const GraphNode&) {},
                      .onRemoved = [this](Uid, const GraphNode& last) { contentRemoved(*last.ns); },
                      .onSynced = {}});
  }
  ~NamespaceController() override { feed_->stop(); }

  void start() override {
    feed_->start();
    loop_.emplace(queue_, [this](const std::string& name) { reconcile(name); });
  }

 private:
  void contentRemoved(const std::string& ns) {
    if (ns.empty()) return;
    const auto object = namespaces_.get("", ns);
    if (object && object->metadata().deleting()) queue_.add(ns);
  }

  void reconcile(const std::string& name) {
    const Namespace ns(namespaces_.get("", name));
    if (!ns || !ns.metadata().deleting() || !hasFinalizer(ns)) return;
    const auto remaining = deleteContent(name);
    if (remaining.empty()) {
      finalize(ns);
    } else {
      writeConditions(ns, remaining);
    }
  }

  // Asks for the deletion of everything, and says what has not gone at once. Nothing but pods while there are pods:
  // they may need their Secrets, ConfigMaps and Services to end well.
  std::vector<RemainingContent> deleteContent(const std::string& ns) {
    if (auto pods = deleteAll(core_v1::Pod::kResource(), ns); !pods.objects.empty()) return {std::move(pods)};
    std::vector<RemainingContent> remaining;
    for (const auto& resource : deletableResources(*feed_->registry())) {
      if (resource.scope != meta::Scope::kNamespaced) continue;
      if (auto left = deleteAll(resource, ns); !left.objects.empty()) remaining.push_back(std::move(left));
    }
    return remaining;
  }

  RemainingContent deleteAll(const meta::Resource& resource, const std::string& ns) {
    auto& client = context_.client;
    auto objects = client.list(resource, ns).items;
    if (objects.empty()) return {};
    for (const auto& object : objects) {
      if (!object->metadata().deleting()) remove(resource, ns, *object);
    }
    return {resource.groupResource(), client.list(resource, ns).items};
  }

  void remove(const meta::Resource& resource, const std::string& ns, const meta::Object& object) {
    try {
      context_.client.remove(
          resource, ns, object.metadata().name(),
          {.uid = std::string(object.metadata().uid()), .propagation = client::Propagation::kBackground});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound() && !error.isConflict()) throw;
    }
  }

  void finalize(const Namespace& ns) {
    try {
      context_.client.update(Namespace::kResource(), "", finalized(ns), {.subresource = "finalize"});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  void writeConditions(const Namespace& ns, const std::vector<RemainingContent>& remaining) {
    json::Object status = ns.status().tree();
    json::Array& conditions = json::ensureArray(status, "conditions");
    conditions = decideNamespaceConditions(conditions, remaining, meta::formatTime(context_.clock.now()));
    applyStatus(context_.client, Namespace::kResource(), *ns.object(), std::move(status));
  }

  ControllerContext& context_;
  std::shared_ptr<ObjectFeed> feed_;
  client::Informer& namespaces_;
  client::Workqueue queue_{"namespace-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

json::Array decideNamespaceConditions(const json::Array& current, const std::vector<RemainingContent>& remaining,
                                      std::string_view now) {
  json::Array conditions = current;
  meta::setCondition(
      conditions,
      {"NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"},
      now);
  meta::setCondition(conditions, {"NamespaceContentRemaining", "True", "SomeResourcesRemain", renderContent(remaining)},
                     now);
  const auto finalizers = countFinalizers(remaining);
  if (finalizers.empty()) {
    meta::setCondition(conditions,
                       {"NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers",
                        "All content-preserving finalizers finished"},
                       now);
  } else {
    meta::setCondition(conditions,
                       {"NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", renderFinalizers(finalizers)},
                       now);
  }
  return conditions;
}

std::unique_ptr<Controller> makeNamespaceController(ControllerContext& context) {
  return std::make_unique<NamespaceController>(context);
}

}  // namespace wherry::controllers

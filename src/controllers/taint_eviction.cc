#include "controllers/taint_eviction.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/format.h>

#include "client/workqueue.h"
#include "meta/time.h"
#include "meta/toleration.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using core_v1::Pod;
using meta::ObjectPtr;
using std::chrono::seconds;

constexpr std::string_view kNoExecute = "NoExecute";
constexpr std::string_view kByNode = "node";

// How long the pod's tolerations let it live with one taint.
std::optional<seconds> stayWith(const Pod& pod, const core_v1::Taint& taint) {
  bool covered = false;
  std::optional<seconds> shortest;
  for (const auto toleration : pod.spec().tolerations()) {
    if (!meta::tolerates(toleration.tree(), taint.tree())) continue;
    covered = true;
    if (!toleration.has("tolerationSeconds")) continue;
    const seconds stay(std::max<int64_t>(0, toleration.tolerationSeconds()));
    shortest = shortest ? std::min(*shortest, stay) : stay;
  }
  return covered ? shortest : seconds(0);
}

class TaintEvictionController : public Controller {
 public:
  explicit TaintEvictionController(ControllerContext& context)
      : context_(context),
        events_(context.events.forComponent("taint-eviction-controller")),
        pods_(context.informers.informer(Pod::kResource())),
        nodes_(context.informers.informer(Node::kResource())) {
    pods_.addIndex(std::string(kByNode), [](const meta::Object& pod) {
      return std::vector<std::string>{std::string(json::getString(pod.tree(), "spec.nodeName"))};
    });
    pods_.addHandler({.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { lookAtPod(before, after); },
                      .onSynced = {},
                      .onRevision = {}});
    nodes_.addHandler({.onChange = [this](const ObjectPtr& before,
                                          const ObjectPtr& after) { lookAtPodsOf(after ? *after : *before); },
                       .onSynced = {},
                       .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  // Only where there is something to decide: most changes of pods are on nodes without such taints.
  void lookAtPod(const ObjectPtr& before, const ObjectPtr& after) {
    const auto& pod = after ? *after : *before;
    const Node node(nodes_.get("", json::getString(pod.tree(), "spec.nodeName")));
    if (!node || hasNoExecute(node)) queue_.add(pod.key().text());
  }

  void lookAtPodsOf(const meta::Object& node) {
    for (const auto& pod : pods_.byIndex(kByNode, node.metadata().name())) queue_.add(pod->key().text());
  }

  static bool hasNoExecute(const Node& node) {
    for (const auto taint : node.spec().taints()) {
      if (taint.effect() == kNoExecute) return true;
    }
    return false;
  }

  void reconcile(const std::string& key) {
    const Pod pod(pods_.get(meta::ObjectKey::parse(key)));
    const Node node(pod ? nodes_.get("", pod.spec().nodeName()) : nullptr);
    const auto stay = node && !pod.metadata().deleting() ? decideStay(pod, node) : std::nullopt;
    if (!stay) return cancel(key, pod);
    const auto now = context_.clock.now();
    const auto uid = std::string(pod.metadata().uid());
    auto& met = met_.try_emplace(key, Meeting{uid, now}).first->second;
    if (met.uid != uid) met = {uid, now};
    const auto end = met.since + *stay;
    if (now < end) return queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(end - now));
    evict(pod);
    met_.erase(key);
  }

  void cancel(const std::string& key, const Pod& pod) {
    if (met_.erase(key) == 0 || !pod || pod.metadata().deleting()) return;
    events_.record(*pod.object(), client::Severity::kNormal, "TaintManagerEviction",
                   fmt::format("Cancelling deletion of Pod {}", key));
  }

  void evict(const Pod& pod) {
    const auto ns = pod.metadata().ns(), name = pod.metadata().name();
    events_.record(*pod.object(), client::Severity::kNormal, "TaintManagerEviction",
                   fmt::format("Marking for deletion Pod {}", pod.key().text()));
    const json::Value condition = json::Object{{"type", "DisruptionTarget"},
                                               {"status", "True"},
                                               {"reason", "DeletionByTaintManager"},
                                               {"message", "Taint manager: deleting due to NoExecute taint"},
                                               {"lastTransitionTime", meta::formatTime(context_.clock.now())}};
    const json::Value patch = json::Object{{"metadata", json::Object{{"uid", pod.metadata().uid()}}},
                                           {"status", json::Object{{"conditions", json::Array{condition}}}}};
    try {
      context_.client.patch(Pod::kResource(), ns, name, client::PatchType::kStrategic, patch,
                            {.subresource = "status"});
      context_.client.remove(Pod::kResource(), ns, name, {.uid = std::string(pod.metadata().uid())});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  // When a pod and the taints that end its stay came together.
  struct Meeting {
    std::string uid;
    base::WallTime since;
  };

  ControllerContext& context_;
  client::EventRecorder events_;
  client::Informer& pods_;
  client::Informer& nodes_;
  std::map<std::string, Meeting> met_;  // by the pod's key; the worker's own
  client::Workqueue queue_{"taint-eviction-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::optional<seconds> decideStay(const Pod& pod, const Node& node) {
  std::optional<seconds> shortest;
  for (const auto taint : node.spec().taints()) {
    if (taint.effect() != kNoExecute) continue;
    const auto stay = stayWith(pod, taint);
    if (stay && (!shortest || *stay < *shortest)) shortest = stay;
  }
  return shortest;
}

std::unique_ptr<Controller> makeTaintEvictionController(ControllerContext& context) {
  return std::make_unique<TaintEvictionController>(context);
}

}  // namespace wherry::controllers

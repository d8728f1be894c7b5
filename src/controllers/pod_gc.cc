#include "controllers/pod_gc.h"

#include "base/log.h"
#include "client/workqueue.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using core_v1::Pod;
using meta::ObjectPtr;

// A node that is deleted may be registered again at once (a restart, a rename back); its pods get this much time.
constexpr std::chrono::seconds kQuarantine{40};
constexpr std::string_view kByNode = "node";

class PodGarbageCollector : public Controller {
 public:
  explicit PodGarbageCollector(ControllerContext& context)
      : client_(context.client),
        pods_(context.informers.informer(Pod::kResource())),
        nodes_(context.informers.informer(Node::kResource())) {
    pods_.addIndex(std::string(kByNode), [](const meta::Object& pod) {
      return std::vector<std::string>{std::string(json::getString(pod.tree(), "spec.nodeName"))};
    });
    pods_.addHandler({.onChange = [this](const ObjectPtr&, const ObjectPtr& after) { lookAtPod(after); },
                      .onSynced = {},
                      .onRevision = {}});
    nodes_.addHandler({.onChange =
                           [this](const ObjectPtr& before, const ObjectPtr& after) {
                             if (!after) lookAtPodsOf(*before);
                           },
                       .onSynced = {},
                       .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void lookAtPod(const ObjectPtr& object) {
    const Pod pod(object);
    if (!pod) return;
    const auto node = pod.spec().nodeName();
    if (node.empty() && pod.metadata().deleting()) {
      queue_.add(pod.key().text());
    } else if (!node.empty() && nodes_.synced() && !nodes_.get("", node)) {
      queue_.addAfter(pod.key().text(), kQuarantine);
    }
  }

  void lookAtPodsOf(const meta::Object& node) {
    for (const auto& pod : pods_.byIndex(kByNode, node.metadata().name())) {
      queue_.addAfter(pod->key().text(), kQuarantine);
    }
  }

  void reconcile(const std::string& key) {
    const Pod pod(pods_.get(meta::ObjectKey::parse(key)));
    if (!pod) return;
    const auto state = nodes_.get("", pod.spec().nodeName()) ? NodeState::kThere : NodeState::kGone;
    if (!isOrphaned(pod, state)) return;
    log_.info("removing pod {}: its node {} is gone", key, pod.spec().nodeName());
    try {
      client_.remove(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(),
                     {.gracePeriodSeconds = 0, .uid = std::string(pod.metadata().uid())});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  client::Client& client_;
  client::Informer& pods_;
  client::Informer& nodes_;
  base::Log log_{"pod-garbage-collector"};
  client::Workqueue queue_{"pod-garbage-collector-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

bool isOrphaned(const Pod& pod, NodeState node) {
  if (pod.spec().nodeName().empty()) return pod.metadata().deleting();
  return node == NodeState::kGone;
}

std::unique_ptr<Controller> makePodGarbageCollector(ControllerContext& context) {
  return std::make_unique<PodGarbageCollector>(context);
}

}  // namespace wherry::controllers

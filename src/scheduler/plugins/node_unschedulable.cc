#include "scheduler/plugins/node_unschedulable.h"

#include "scheduler/plugins/taint_toleration.h"

namespace wherry::scheduler {

Reasons filterNodeUnschedulable(const PodInfo& pod, const NodeInfo& node) {
  if (!node.node().spec().unschedulable()) return {};
  // Cordoning is a taint in all but name: whoever tolerates that taint may come.
  static const json::Value kTaint = json::Object{{"key", "node.kubernetes.io/unschedulable"}, {"effect", "NoSchedule"}};
  if (isTolerated(pod.pod.spec(), core_v1::Taint(&kTaint))) return {};
  return {"node(s) were unschedulable"};
}

}  // namespace wherry::scheduler

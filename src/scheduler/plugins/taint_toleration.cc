#include "scheduler/plugins/taint_toleration.h"

#include "meta/toleration.h"

namespace wherry::scheduler {

bool isTolerated(const core_v1::PodSpec& pod, const core_v1::Taint& taint) {
  for (const auto toleration : pod.tolerations()) {
    if (meta::tolerates(toleration.tree(), taint.tree())) return true;
  }
  return false;
}

Reasons filterTaintToleration(const PodInfo& pod, const NodeInfo& node) {
  for (const auto taint : node.node().spec().taints()) {
    if (taint.effect() == "PreferNoSchedule" || isTolerated(pod.pod.spec(), taint)) continue;
    return {"node(s) had untolerated taint(s)"};
  }
  return {};
}

int64_t scoreTaintToleration(const PodInfo& pod, const NodeInfo& node) {
  int64_t avoided = 0;
  for (const auto taint : node.node().spec().taints()) {
    if (taint.effect() == "PreferNoSchedule" && !isTolerated(pod.pod.spec(), taint)) ++avoided;
  }
  return avoided;
}

}  // namespace wherry::scheduler

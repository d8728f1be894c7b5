#include "scheduler/plugins/node_name.h"

namespace wherry::scheduler {

Reasons filterNodeName(const PodInfo& pod, const NodeInfo& node) {
  const auto wanted = pod.pod.spec().nodeName();
  if (wanted.empty() || wanted == node.name()) return {};
  return {"node(s) didn't match the requested node name"};
}

}  // namespace wherry::scheduler

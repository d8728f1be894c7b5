#include "scheduler/plugins/node_ports.h"

namespace wherry::scheduler {

Reasons filterNodePorts(const PodInfo& pod, const NodeInfo& node) {
  for (const auto& port : pod.hostPorts) {
    if (node.hasConflict(port)) return {"node(s) didn't have free ports for the requested pod ports"};
  }
  return {};
}

}  // namespace wherry::scheduler

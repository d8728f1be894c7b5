// What the filters say of one node, and how the answers of all nodes become the message that `kubectl describe pod`
// shows. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "scheduler/cycle_state.h"
#include "scheduler/plugin.h"

namespace wherry::scheduler {

struct Judgement : Verdict {
  Relief relief = Relief::kNodeChange;  // what may help
};

// The first filter that refuses decides. The pod must fit both beside the pods that the node is promised to and that
// don't stand behind it, and without them: nobody knows whether they come.
Judgement judge(const CycleState& cycle, const NodeInfo& node);

// Why nodes were refused, counted.
class Refusals {
 public:
  void add(const Reasons& reasons) {
    for (const auto& reason : reasons) ++counts_[reason];
  }
  // "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable."
  std::string render(size_t nodes) const;

 private:
  std::map<std::string, int> counts_;
};

}  // namespace wherry::scheduler

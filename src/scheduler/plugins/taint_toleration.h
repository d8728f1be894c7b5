// TaintToleration: taints keep pods away (NoSchedule, NoExecute) or are better avoided (PreferNoSchedule).
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

// Whether one of the pod's tolerations covers the taint.
bool isTolerated(const core_v1::PodSpec& pod, const core_v1::Taint& taint);

Reasons filterTaintToleration(const PodInfo& pod, const NodeInfo& node);
// The number of taints that the pod would rather avoid.
int64_t scoreTaintToleration(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler

// What the scheduler writes about pods: a Binding, why a pod has no node yet, and that a pod goes for another. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

json::Value bindingOf(const core_v1::Pod& pod, std::string_view node);

// What to merge into the pod's status: PodScheduled is False, reason Unschedulable; and which node it was promised
// (`nominatedNode`; "" takes the promise back). Nothing when it says so already.
std::optional<json::Object> decideUnschedulable(const core_v1::Pod& pod, const std::string& message,
                                                std::string_view nominatedNode, std::string_view now);

// The strategic patch of the status of a victim, of this very pod: DisruptionTarget is True (KEP-3329).
json::Value preemptedPatch(const core_v1::Pod& victim, std::string_view schedulerName, std::string_view now);

}  // namespace wherry::scheduler

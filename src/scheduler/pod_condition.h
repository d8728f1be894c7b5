// What the scheduler writes about a pod: its Binding, and why it has no node yet. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

json::Value bindingOf(const core_v1::Pod& pod, std::string_view node);

// Conditions to merge into the pod's status: PodScheduled is False, reason Unschedulable; nothing when it says so
// already.
std::optional<json::Array> decideUnschedulable(const core_v1::Pod& pod, const std::string& message,
                                               std::string_view now);

}  // namespace wherry::scheduler

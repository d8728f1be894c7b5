// What this node refuses to run at all, whatever the API let pass. Pure.
#pragma once

#include <optional>
#include <string>

#include "views/core_v1.h"

namespace wherry::kubelet {

// As the pod's status and an event show it.
struct Rejection {
  std::string reason;   // "SysctlForbidden"
  std::string message;  // "forbidden sysctl: \"kernel.msgmax\" not allowlisted"
};

// Only kernel settings that are the pod's own and harm nobody else may be set.
std::optional<Rejection> rejectionOf(const core_v1::Pod& pod);

}  // namespace wherry::kubelet

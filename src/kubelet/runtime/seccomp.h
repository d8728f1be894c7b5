// The seccomp profile RuntimeDefault: which system calls a container may make. Safe from any thread.
#pragma once

#include "json/value.h"
#include "kubelet/runtime/capabilities.h"

namespace wherry::kubelet {

// The `linux.seccomp` object of an OCI config (runtime-spec config-linux.md). Allowed is every system call that
// libseccomp knows, but those that reach outside the container; a capability that the container has opens the calls it
// stands for. What is unknown answers ENOSYS, so that programs fall back as on an older kernel.
json::Object renderDefaultSeccomp(CapabilityMask capabilities);

}  // namespace wherry::kubelet

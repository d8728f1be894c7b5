// The node's devices, as a privileged container sees them. Safe from any thread.
#pragma once

#include "json/value.h"

namespace wherry::kubelet {

// `linux.devices` of an OCI config (runtime-spec config-linux.md): every character and block device below /dev, but for
// those that each container has of its own (terminals, shared memory, message queues).
json::Array hostDevices();

}  // namespace wherry::kubelet

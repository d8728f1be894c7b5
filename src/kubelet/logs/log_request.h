// Which log a client means. Pure.
#pragma once

#include <vector>

#include "client/node_connection.h"
#include "kubelet/runtime/container_record.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// The attempt of a container whose log is asked for. Throws StatusError in the API's words.
ContainerRecord chooseLog(const core_v1::Pod& pod, const std::vector<ContainerRecord>& records,
                          const client::LogOptions& options);

}  // namespace wherry::kubelet

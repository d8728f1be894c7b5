// The kubelet's side of client::NodeConnection, in the same process.
#pragma once

#include <memory>

#include "client/informer.h"
#include "client/node_connection.h"
#include "kubelet/runtime/containers.h"

namespace wherry::kubelet {

// Outlived by neither argument; destroying it ends all streams.
std::shared_ptr<client::NodeConnection> newNodeConnection(client::Informer& pods, Containers& containers,
                                                          const base::Clock& clock);

// Which attempt of a container a log request means. Throws StatusError in the API's words. Pure.
ContainerRecord chooseLog(const core_v1::Pod& pod, const std::vector<ContainerRecord>& records,
                          const client::LogOptions& options);

}  // namespace wherry::kubelet

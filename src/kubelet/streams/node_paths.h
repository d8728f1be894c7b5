// The node's own HTTP paths, as nodes/proxy reaches them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/node_connection.h"

namespace wherry::kubelet {

// /containerLogs/<namespace>/<pod>/<container>?follow=true&tailLines=10...; nothing for another path. Throws
// StatusError for a number that is none. Pure.
struct ContainerLogPath {
  std::string ns, pod;
  client::LogOptions options;
};
std::optional<ContainerLogPath> parseContainerLogPath(std::string_view path);

}  // namespace wherry::kubelet

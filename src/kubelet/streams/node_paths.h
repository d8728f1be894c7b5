// The node's own HTTP paths, as nodes/proxy reaches them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/node_connection.h"
#include "net/server.h"

namespace wherry::kubelet {

// /containerLogs/<namespace>/<pod>/<container>?follow=true&tailLines=10...; nothing for another path. Throws
// StatusError for a number that is none. Pure.
struct ContainerLogPath {
  std::string ns, pod;
  client::LogOptions options;
};
std::optional<ContainerLogPath> parseContainerLogPath(std::string_view path);

// Sends what comes as plain text; the answer begins with the first bytes.
std::shared_ptr<client::ByteSink> newTextSink(net::ExchangePtr exchange);

}  // namespace wherry::kubelet

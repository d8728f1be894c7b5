// The kubelet's side of client::NodeConnection, in the same process: one thread carries all streams.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client/node_connection.h"
#include "kubelet/runtime/containers.h"

namespace wherry::kubelet {

struct NodeConnectionOptions {
  // The pods of this node. Safe from any thread.
  std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)> findPod;
  std::function<std::vector<meta::ObjectPtr>()> listPods;
  // The uid under which the node runs a pod of the API; "" when it runs none.
  std::function<std::string(const meta::Object& pod)> uidOf = [](const meta::Object& pod) {
    return std::string(pod.metadata().uid());
  };
  // What a pod's volumes hold (volumes/volume_stats.h). May take long.
  std::function<json::Array(const meta::ObjectPtr& pod, std::stop_token stop)> volumeStats =
      [](const meta::ObjectPtr&, const std::stop_token&) { return json::Array(); };
  Containers& containers;
  const base::Clock& clock;
  std::string runDir;
  std::string nodeName;
};

// Outlived by what `options` name; destroying it ends all streams and the processes of execs. The first thing it does
// is to end those that an earlier process of ours left.
std::shared_ptr<client::NodeConnection> newNodeConnection(NodeConnectionOptions options);

}  // namespace wherry::kubelet

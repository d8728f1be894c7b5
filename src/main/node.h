// What makes this machine a node: pod network, kubelet, service proxy, network policies, cluster DNS.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "client/node_connection.h"
#include "kubelet/images/image_garbage.h"
#include "kubelet/images/image_puller.h"
#include "main/control_plane.h"
#include "main/readiness.h"
#include "main/server_options.h"
#include "proxy/proxy.h"

namespace wherry::main {

// The nodes that the API server can reach, by name. Safe from any thread.
class NodeDirectory {
 public:
  void add(const std::string& name, std::shared_ptr<client::NodeConnection> connection);
  void remove(const std::string& name);
  client::NodeConnections lookup() const;

 private:
  using Connections = std::map<std::string, std::shared_ptr<client::NodeConnection>, std::less<>>;
  std::shared_ptr<base::Guarded<Connections>> connections_ = std::make_shared<base::Guarded<Connections>>();
};

class Node {
 public:
  // Registers with the informers; does nothing yet.
  Node(const ServerOptions& options, ControlPlane& controlPlane, NodeDirectory& nodes, Readiness& readiness);
  ~Node();  // stops; pods, links and rules stay
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Once the informers are synced. Throws std::system_error (port 53 of the DNS address taken), StatusError.
  void start();

  kubelet::ImageStore* images();   // null without a kubelet
  kubelet::ImagePuller* puller();  // null without a kubelet
  kubelet::ImageGarbage* imageGarbage();
  const proxy::Proxy* proxy() const;  // null without one
  // Ends the pods, for the machine goes down; empty without a kubelet.
  std::function<void()> shutDownPods();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::main

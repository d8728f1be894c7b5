// The control plane: store, API server, HTTPS, and the components that only speak API. Starts in the constructor, stops
// in the destructor, the other way round.
#pragma once

#include <memory>

#include "apiserver/api_server.h"
#include "apiserver/rewriting.h"
#include "client/informer.h"
#include "client/node_connection.h"
#include "main/cluster_snapshot.h"
#include "main/readiness.h"
#include "main/server_options.h"
#include "pki/cluster_pki.h"

namespace wherry::main {

class ControlPlane {
 public:
  // Throws: storage::OpenError, std::system_error (port in use), meta::StatusError.
  ControlPlane(const ServerOptions& options, const pki::ClusterPki& pki, client::NodeConnections nodes,
               Readiness& readiness);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  apiserver::ApiServer& api();
  // Shared by everything in this process.
  client::InformerFactory& informers();
  // Any thread. Throws std::system_error.
  ClusterFacts saveSnapshot(const std::string& path) const;
  // New connections get this one.
  void setCertificate(const pki::KeyPair& certificate);
  // Controllers and scheduler; once the node's components have registered with the informers.
  void startControllers();
  // Writes what --encryption-config names anew, with its first key. Throws std::runtime_error.
  apiserver::Rewritten rewriteEncrypted();
  // No handler is called any more: before anything that registered one is destroyed.
  void stopInformers();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The names and addresses under which the API server is reached, for its certificate.
std::vector<std::string> apiServerNames(const ServerOptions& options);

// The first address of the Services' range: the `kubernetes` Service's.
std::string firstServiceIp(const ServerOptions& options);

}  // namespace wherry::main

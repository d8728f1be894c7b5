// What commands that ask both the API and the running server have in common: where both are, which namespace, and
// errors as kubectl shows them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/App.hpp>

#include "client/client.h"

namespace wherry::cli {

struct ClusterOptions {
  std::string ns = "default";
  std::string dataDir = "/var/lib/wherry";
  std::string runDir = "/run/wherry";
  std::string kubeconfig;  // empty: DATA-DIR/admin.kubeconfig
  std::string clusterDomain = "cluster.local";
};

// Those whose names are the server's flags have its values. `options` outlives the parser's use.
void declareClusterOptions(CLI::App& parser, ClusterOptions& options);

// With the administrator's kubeconfig. Throws std::runtime_error that says what is wrong with it.
std::shared_ptr<client::Client> connect(const ClusterOptions& options);

// What the command returns; 1 after a StatusError, which goes to stderr in kubectl's words: "Error from server
// (NotFound): services "x" not found", "Unable to connect to the server: ...".
int withKubernetesErrors(const std::function<int()>& command);

}  // namespace wherry::cli

#include "cli/cluster_options.h"

#include <cerrno>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "client/https_client.h"
#include "client/kubeconfig.h"
#include "meta/status.h"

namespace wherry::cli {

void declareClusterOptions(CLI::App& parser, ClusterOptions& options) {
  parser.add_option("-n,--namespace", options.ns, "the namespace")->type_name("NAME")->capture_default_str();
  // The second name is the server's flag, so that the configuration file's value is found.
  parser
      .add_option("--kubeconfig,--write-kubeconfig", options.kubeconfig,
                  "the kubeconfig to use (default: DATA-DIR/admin.kubeconfig)")
      ->type_name("FILE");
  parser
      .add_option("--cluster-domain", options.clusterDomain, "the cluster's DNS domain (default: as the server has it)")
      ->type_name("DOMAIN");
  parser.add_option("--run-dir", options.runDir, "the server's run directory")->type_name("DIR")->capture_default_str();
  parser.add_option("--data-dir", options.dataDir, "the server's data directory")
      ->type_name("DIR")
      ->capture_default_str();
}

std::shared_ptr<client::Client> connect(const ClusterOptions& options) {
  std::string path = options.kubeconfig.empty() ? options.dataDir + "/admin.kubeconfig" : options.kubeconfig;
  if (::access(path.c_str(), R_OK) != 0 && errno == EACCES) {
    throw std::runtime_error(path + " is root's alone: sudo wherry ...");
  }
  return client::newHttpsClient(client::loadKubeconfig(path));
}

int withKubernetesErrors(const std::function<int()>& command) {
  try {
    return command();
  } catch (const meta::StatusError& error) {
    if (error.reason() == "ServiceUnavailable") {
      fmt::print(stderr, "Unable to connect to the server: {}\n", error.message());
      return 1;
    }
    fmt::print(stderr, "Error from server ({}): {}\n", error.reason(), error.message());
    return 1;
  }
}

}  // namespace wherry::cli

#include "main/reset.h"

#include <filesystem>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "kubelet/kubelet.h"
#include "linux/ipv4.h"
#include "linux/links.h"
#include "main/run_lock.h"
#include "main/server_options.h"
#include "network/pod_network.h"
#include "proxy/proxy.h"

namespace wherry::main {
namespace {

struct ResetOptions {
  ServerOptions server;
  bool yes = false;
};

// With all that is in it; a mount point itself can't go.
void removeDirectory(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    std::filesystem::remove_all(entry.path());
  }
  std::filesystem::remove(path, ignored);
}

void removeEverything(const ServerOptions& options) {
  RunLock lock(options.runDir);  // nobody runs, and nobody starts meanwhile
  network::PodNetwork network(
      {.podCidr = options.clusterCidr, .clusterCidr = options.clusterCidr, .dataDir = options.dataDir + "/network"});
  kubelet::removeAllPods(options.dataDir, options.runDir, network);
  network.removeAll();
  proxy::removeProxyRules();
  if (auto address = linux::Ipv4Address::parse(options.clusterDns)) linux::removeLoopbackAddress(*address);
  removeDirectory(options.dataDir);
}

int reset(const ResetOptions& options) {
  if (!options.yes) {
    throw std::runtime_error(
        fmt::format("this stops all pods and deletes {} with everything in it; say --yes if that is "
                    "what you want",
                    options.server.dataDir));
  }
  if (::geteuid() != 0) throw std::runtime_error("removing pods, links and rules needs root: sudo wherry reset --yes");
  removeEverything(options.server);
  removeDirectory(options.server.runDir);  // the lock in it is released by now
  fmt::print("removed pods, links, rules, {} and {}\n", options.server.dataDir, options.server.runDir);
  return 0;
}

}  // namespace

std::function<int()> declareReset(CLI::App& parser) {
  auto options = std::make_shared<ResetOptions>();
  parser.add_flag("--yes", options->yes, "really");
  parser.add_option("--data-dir", options->server.dataDir)->capture_default_str();
  parser.add_option("--run-dir", options->server.runDir)->capture_default_str();
  parser.add_option("--cluster-cidr", options->server.clusterCidr)->capture_default_str();
  parser.add_option("--cluster-dns", options->server.clusterDns)->capture_default_str();
  return [options] { return reset(*options); };
}

}  // namespace wherry::main

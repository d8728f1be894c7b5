#include "main/reset.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/patience.h"
#include "ingress/haproxy.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/remove_all_pods.h"
#include "linux/links.h"
#include "main/host_resolver.h"
#include "main/run_lock.h"
#include "main/server_options.h"
#include "network/pod_network.h"
#include "network/return_path.h"
#include "policy/kernel_table.h"
#include "proxy/announcer.h"
#include "proxy/proxy.h"
#include "storage/database_file.h"

namespace wherry::main {
namespace {

namespace fs = std::filesystem;

struct ResetOptions {
  ServerOptions server;
  bool yes = false;
  bool keepData = false;
};

// One of these is in every data directory that a server has worked with, whatever else was deleted of it.
constexpr std::array kMarks = {"store/state.db", "pki/ca.crt", "network/addresses", "images/oci-layout",
                               "layers",         "pods",       "restoring/store"};

// A slip of the finger must not cost somebody's home.
void checkIsDataDir(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error) || fs::is_empty(path, error)) return;
  for (const char* mark : kMarks) {
    if (fs::exists(fs::path(path) / mark, error)) return;
  }
  throw std::runtime_error(
      fmt::format("{} does not look like a data directory of Wherry's: it is left alone. Give the right --data-dir, "
                  "or delete it by hand",
                  path));
}

// Throws when a server works with this data directory, by whichever run directory.
base::Fd claimStore(const std::string& dataDir) {
  std::string path = dataDir + "/store/state.db";
  if (!fs::exists(path + ".lock")) return {};
  return storage::claimDatabaseFile(path);
}

// With all that is in it; a mount point itself can't go.
void removeDirectory(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) fs::remove_all(entry.path());
  fs::remove(path, ignored);
}

class Reset {
 public:
  explicit Reset(const ResetOptions& options) : options_(options.server), keepData_(options.keepData) {}

  // False when something could not be removed; it has been said what.
  bool run() {
    bool hadData = fs::exists(options_.dataDir);
    {
      // Nobody runs, and nobody starts meanwhile.
      RunLock lock(options_.runDir, "stop it first: systemctl stop wherry, or make down");
      base::Fd store = claimStore(options_.dataDir);
      // By what the data directory tells of pods, so before those.
      if (!keepData_) attempt("logs", [&] { kubelet::removeAllPodLogs(options_.dataDir, options_.logDir); });
      attempt("pods", [&] { removePods(); });
      attempt("the cluster DNS in /etc/resolv.conf", [] { stopResolvingOnHost(); });
      attempt("addresses of Services", [] { proxy::removeAnnouncedAddresses(); });
      attempt("HAProxy", [&] { ingress::endHAProxy(options_.runDir + "/ingress"); });
      attempt("the way back to HAProxy", [] { network::removeReturnPath(); });
      attempt("Services", [] { proxy::removeProxyRules(); });
      attempt("network policies", [] { policy::removePolicyRules(); });
      attempt("the address of the cluster DNS", [&] {
        if (auto address = base::IpAddress::parse(options_.clusterDns)) linux::removeLoopbackAddress(*address);
      });
      if (!keepData_ || !hadData) attempt(options_.dataDir, [&] { removeData(); });
    }
    attempt(options_.runDir, [&] { removeDirectory(options_.runDir); });  // the lock in it is released by now
    return whole_;
  }

 private:
  template <typename Step>
  void attempt(const std::string& what, Step step) {
    try {
      step();
    } catch (const std::exception& error) {
      fmt::print(stderr, "wherry: removing {}: {}\n", what, error.what());
      whole_ = false;
    }
  }

  void removePods() {
    network::PodNetwork network({.podCidr = options_.clusterCidr,
                                 .clusterCidr = options_.clusterCidr,
                                 .serviceCidr = options_.serviceCidr,
                                 .dataDir = options_.dataDir + "/network",
                                 .sysctlRecord = sysctlRecord(options_)});
    auto files = keepData_ ? kubelet::PodFiles::kKeep : kubelet::PodFiles::kRemove;
    if (!kubelet::removeAllPods(options_.dataDir, options_.runDir, network, files)) whole_ = false;
    network.removeAll();
  }

  void removeData() {
    if (!options_.kubeconfig.empty()) ::unlink(options_.kubeconfig.c_str());
    removeDirectory(options_.dataDir);
  }

  ServerOptions options_;
  bool keepData_;
  bool whole_ = true;
};

// Pods may take their time to end: says that it waits for them.
bool runPatiently(const ResetOptions& options) {
  cli::Patience patience("stopping the pods");
  return Reset(options).run();
}

int reset(const ResetOptions& options) {
  const ServerOptions& server = options.server;
  if (!options.yes) {
    throw std::runtime_error(
        options.keepData
            ? "this stops all pods, until the server starts again; say --yes if that is what you want"
            : fmt::format(
                  "this stops all pods and deletes {} with everything in it; say --yes if that is what you want",
                  server.dataDir));
  }
  if (::geteuid() != 0) throw std::runtime_error("removing pods, links and rules needs root: sudo wherry reset --yes");
  if (!options.keepData) checkIsDataDir(server.dataDir);
  if (!runPatiently(options)) {
    fmt::print(stderr, "wherry: the rest is removed; see above for what isn't, and try again\n");
    return 1;
  }
  if (options.keepData)
    fmt::print("stopped the pods; removed links, rules and {}; {} is still there\n", server.runDir, server.dataDir);
  else
    fmt::print("removed pods, links, rules, {} and {}\n", server.dataDir, server.runDir);
  return 0;
}

}  // namespace

std::function<int()> declareReset(CLI::App& parser) {
  auto options = std::make_shared<ResetOptions>();
  ServerOptions& server = options->server;
  parser.add_flag("--yes", options->yes, "really");
  parser.add_flag("--keep-data", options->keepData,
                  "as before a reboot: stop the pods and take back what they have of the machine, but delete no data");
  parser.add_option("--data-dir", server.dataDir, "the data directory, which is deleted")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--log-dir", server.logDir, "where the pods' logs are, which are deleted")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--run-dir", server.runDir, "the run directory, which is deleted")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--cluster-cidr", server.clusterCidr, "the pods' addresses")->capture_default_str();
  parser.add_option("--service-cidr", server.serviceCidr, "the Services' addresses")->capture_default_str();
  parser.add_option("--cluster-dns", server.clusterDns, "the address of the cluster DNS")->capture_default_str();
  parser.add_option("--write-kubeconfig", server.kubeconfig, "the admin's kubeconfig, which is deleted")
      ->type_name("FILE");
  parser.footer(
      "What the server with this run directory was started with is known; the flags are for when that is lost.\n"
      "Files outside of these directories, such as those of hostPath volumes, stay.");
  return [options] { return reset(*options); };
}

}  // namespace wherry::main

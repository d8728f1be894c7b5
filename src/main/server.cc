#include "main/server.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/config_file.h"
#include "linux/node_addresses.h"
#include "main/address_watch.h"
#include "main/admin.h"
#include "main/certificate_keeper.h"
#include "main/control_plane.h"
#include "main/ip_families.h"
#include "main/last_words.h"
#include "main/node.h"
#include "main/preflight.h"
#include "main/readiness.h"
#include "main/run_lock.h"
#include "main/service_notifier.h"
#include "pki/cluster_pki.h"

namespace wherry::main {
namespace {

const base::Log kLog("server");

void setLogLevel(const std::string& level) {
  using base::LogLevel;
  base::setLogLevel(level == "debug"   ? LogLevel::kDebug
                    : level == "warn"  ? LogLevel::kWarn
                    : level == "error" ? LogLevel::kError
                                       : LogLevel::kInfo);
}

// An order to start anew in this process, given by ourselves: pods go on, clients reconnect.
constexpr int kStartAnew = SIGUSR1;

// SIGTERM and SIGINT wait until they are asked for; a client that goes away is no reason to end. Before any thread is
// made, so that all of them inherit it.
sigset_t holdSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, kStartAnew);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

void writeAdminKubeconfig(const ServerOptions& options, const pki::ClusterPki& pki) {
  pki::writeKubeconfig(options.kubeconfig, {.server = "https://" + hostAndPort(options.nodeIp, options.port),
                                            .authorityPem = pki.authority.certificatePem,
                                            .credentials = pki.admin});
}

// Each watcher, connection and container has a descriptor, and the usual limit is 1,024. Containers inherit it, hence
// not all that would be allowed: old programs go through all their descriptors.
void raiseFileLimit() {
  constexpr rlim_t kEnough = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kEnough));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void listFaultPoints() {
  for (std::string_view name : base::kFaultPoints) fmt::print("{}\n", name);
  throw CLI::Success();
}

// Whoever asks early sees all that will be there.
void nameParts(const ServerOptions& options, Readiness& readiness) {
  readiness.set("api", false, "making keys and certificates");
  for (const char* part : {"controllers", "scheduler", "proxy", "policy", "dns", "kubelet"}) {
    if (options.enabled(part)) readiness.set(part, false, "waits for the API");
  }
}

void followCertificates(const ServerOptions& options, ControlPlane& controlPlane, CertificateKeeper& keeper) {
  keeper.follow([&](const pki::ClusterPki& before, const pki::ClusterPki& now) {
    controlPlane.setCertificate(now.apiServer);
    writeAdminKubeconfig(options, now);
    if (before.authority.certificatePem == now.authority.certificatePem) return;
    kLog.info("the cluster's authority was renewed: starting anew, pods go on");
    ::kill(::getpid(), kStartAnew);
  });
}

// `options.nodeIp` is replaced when the node has lost it and may choose itself.
class FollowedAddress {
 public:
  FollowedAddress(const ServerOptions& options, CertificateKeeper& keeper)
      : options_(options), keeper_(keeper), watch_([this](const linux::NodeAddresses& now) { changed(now); }) {}

 private:
  void changed(const linux::NodeAddresses& now) {
    if (auto ip = decideNodeIp(options_.nodeIp, now); ip && !options_.fixedNodeIp) {
      kLog.info("the node's address is now {}, no longer {}: starting anew, pods go on", *ip, options_.nodeIp);
      ::kill(::getpid(), kStartAnew);
    } else {
      keeper_.setServerNames(apiServerNames(options_));
    }
  }

  const ServerOptions& options_;
  CertificateKeeper& keeper_;
  AddressWatch watch_;
};

// Runs until a signal, which it returns.
int serve(const ServerOptions& options, const sigset_t& signals, ServiceNotifier& supervisor) {
  Readiness readiness;
  nameParts(options, readiness);
  auto admin = startAdminEndpoint({.options = options, .readiness = readiness});
  CertificateKeeper keeper(
      {.directory = options.dataDir + "/pki", .nodeName = options.nodeName, .serverNames = apiServerNames(options)});
  writeAdminKubeconfig(options, keeper.pki());
  kLog.info("keys and certificates are there, {} ms after the start", readiness.elapsed().count());

  NodeDirectory nodes;
  ControlPlane controlPlane(options, keeper.pki(), nodes.lookup(), readiness);
  std::unique_ptr<Node> node;
  if (!options.onlyApi()) node = std::make_unique<Node>(options, controlPlane, nodes, readiness);
  // Before anything says that it is ready: who waited for that may ask for images at once.
  admin->setParts({.images = node ? node->images() : nullptr,
                   .puller = node ? node->puller() : nullptr,
                   .garbage = node ? node->imageGarbage() : nullptr,
                   .client = &controlPlane.api().client(),
                   .controlPlane = &controlPlane,
                   .proxy = node ? node->proxy() : nullptr,
                   .shutDownPods = node ? node->shutDownPods() : nullptr});
  controlPlane.startControllers();
  if (node) node->start();
  followCertificates(options, controlPlane, keeper);
  std::optional<FollowedAddress> address;
  if (!options.onlyApi()) address.emplace(options, keeper);

  supervisor.notify("READY=1\nSTATUS=the API is at https://" + hostAndPort(options.nodeIp, options.port));

  int signal = 0;
  ::sigwait(&signals, &signal);
  supervisor.notify(signal == kStartAnew ? "STATUS=starting anew; pods go on"
                                         : "STOPPING=1\nSTATUS=stopping; pods go on");
  kLog.info("stopping; pods go on");
  address.reset();
  keeper.stop();
  admin.reset();
  controlPlane.stopInformers();
  return signal;
}

}  // namespace

int runServer(ServerOptions options) {
  auto supervisor = ServiceNotifier::takeFromEnvironment();
  setLogLevel(options.logLevel);
  if (const char* fault = ::getenv("WHERRY_FAULT")) base::armFaultPoint(fault);
  raiseFileLimit();
  completeOptions(options);
  requireRoot(options);
  RunLock lock(options.runDir, "stop it first, or give this one a --run-dir and --data-dir of its own");
  base::writeFileAtomic(options.runDir + "/" + cli::kRunRecord, renderRunRecord(options));
  // conmon leaves an empty file `oom` where it was started: not in the user's directory.
  if (::chdir(options.runDir.c_str()) != 0) base::throwErrno("chdir " + options.runDir);
  LastWords words(options.runDir);
  return words.record([&] {
    checkMachine(options);
    sigset_t signals = holdSignals();
    while (serve(options, signals, supervisor) == kStartAnew) {
      if (auto ip = decideNodeIp(options.nodeIp, linux::readNodeAddresses()); ip && !options.fixedNodeIp) {
        options.nodeIps = base::replaceAll(options.nodeIps, options.nodeIp, *ip);
        options.nodeIp = *ip;
      }
    }
    return 0;
  });
}

std::function<int()> declareServer(CLI::App& parser) {
  auto options = std::make_shared<ServerOptions>();
  declareServerFlags(parser, *options);
  // For tests, hence in no help text.
  parser.add_flag_callback("--list-fault-points", listFaultPoints)->group("");
  return [options] { return runServer(*options); };
}

}  // namespace wherry::main

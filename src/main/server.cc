#include "main/server.h"

#include <memory>

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/log.h"
#include "main/admin.h"
#include "main/control_plane.h"
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

// SIGTERM and SIGINT wait until they are asked for; a client that goes away is no reason to end. Before any thread is
// made, so that all of them inherit it.
sigset_t holdSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

void writeAdminKubeconfig(const ServerOptions& options, const pki::ClusterPki& pki) {
  pki::writeKubeconfig(options.kubeconfig, {.server = fmt::format("https://{}:{}", options.nodeIp, options.port),
                                            .authorityPem = pki.authority.certificatePem,
                                            .credentials = pki.admin});
}

void listFaultPoints() {
  for (std::string_view name : base::kFaultPoints) fmt::print("{}\n", name);
  throw CLI::Success();
}

}  // namespace

int runServer(ServerOptions options) {
  auto supervisor = ServiceNotifier::takeFromEnvironment();
  setLogLevel(options.logLevel);
  if (const char* fault = ::getenv("WHERRY_FAULT")) base::armFaultPoint(fault);
  completeOptions(options);
  checkMachine(options);
  RunLock lock(options.runDir);
  // conmon leaves an empty file `oom` where it was started: not in the user's directory.
  if (::chdir(options.runDir.c_str()) != 0) base::throwErrno("chdir " + options.runDir);
  sigset_t signals = holdSignals();

  pki::ClusterPki pki = pki::loadClusterPki(
      {.directory = options.dataDir + "/pki", .nodeName = options.nodeName, .serverNames = apiServerNames(options)},
      base::Clock::system());
  writeAdminKubeconfig(options, pki);

  Readiness readiness;
  NodeDirectory nodes;
  ControlPlane controlPlane(options, pki, nodes.lookup());
  readiness.setReady("api");
  std::unique_ptr<Node> node;
  if (!options.onlyApi()) node = std::make_unique<Node>(options, controlPlane, nodes, readiness);
  controlPlane.startControllers(readiness);
  if (node) node->start();
  auto admin = startAdminEndpoint({.options = options,
                                   .readiness = readiness,
                                   .images = node ? node->images() : nullptr,
                                   .puller = node ? node->puller() : nullptr});
  supervisor.notify(fmt::format("READY=1\nSTATUS=the API is at https://{}:{}", options.nodeIp, options.port));

  int signal = 0;
  ::sigwait(&signals, &signal);
  supervisor.notify("STOPPING=1\nSTATUS=stopping; pods go on");
  kLog.info("stopping; pods go on");
  admin.reset();
  controlPlane.stopInformers();
  return 0;
}

std::function<int()> declareServer(CLI::App& parser) {
  auto options = std::make_shared<ServerOptions>();
  declareServerFlags(parser, *options);
  // For tests, hence in no help text.
  parser.add_flag_callback("--list-fault-points", listFaultPoints)->group("");
  return [options] { return runServer(*options); };
}

}  // namespace wherry::main

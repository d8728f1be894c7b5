#include "main/control_plane.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "client/event_recorder.h"
#include "client/request_metrics.h"
#include "client/workqueue_metrics.h"
#include "clusterdns/query_metrics.h"
#include "controllers/manifests.h"
#include "controllers/registry.h"
#include "ingress/route_counters.h"
#include "linux/listeners.h"
#include "linux/node_addresses.h"
#include "main/encryption_file.h"
#include "main/ip_families.h"
#include "main/token_file.h"
#include "net/server.h"
#include "policy/enforcement.h"
#include "proxy/proxy.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_metrics.h"
#include "schema/kind.h"
#include "storage/metered_store.h"
#include "storage/sqlite_engine.h"
#include "storage/transformed_engine.h"

namespace wherry::main {
namespace {

const base::Log kLog("server");
constexpr int kStopGraceMillis = 2000;  // for answers that are under way

std::string storePath(const ServerOptions& options) {
  base::makeDirectories(options.dataDir + "/store", 0700);
  return options.dataDir + "/store/state.db";
}

std::unique_ptr<storage::Store> openStore(const ServerOptions& options,
                                          const apiserver::EncryptionConfiguration& encryption, Readiness& readiness) {
  readiness.set("api", false, "reading the database");
  // Also without a configuration: what was encrypted before is then named as what can't be read.
  auto engine =
      storage::transformEngine(storage::openSqliteEngine(storePath(options)), apiserver::makeTransformer(encryption));
  auto store = storage::meterStore(storage::openStore(apiserver::storeOptions(storePath(options)), std::move(engine)));
  kLog.info("{} objects read, {} ms after the start", store->count("/"), readiness.elapsed().count());
  return store;
}

std::vector<apiserver::StaticToken> readTokens(const ServerOptions& options) {
  if (options.tokenFile.empty()) return {};
  try {
    return parseTokenFile(base::readFile(options.tokenFile));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("--token-auth-file {}: {}", options.tokenFile, error.what()));
  }
}

std::string portHolder(std::string_view protocol, int64_t port) {
  if (protocol != "TCP" && protocol != "UDP") return {};
  auto transport = protocol == "TCP" ? linux::Transport::kTcp : linux::Transport::kUdp;
  auto holder = linux::findHolder(transport, static_cast<uint16_t>(port));
  return holder.empty() ? holder : "is in use by " + holder;
}

std::vector<const base::metrics::FamilyBase*> componentFamilies() {
  std::vector<const base::metrics::FamilyBase*> all;
  for (const auto& families : {storage::storeFamilies(), client::requestFamilies(), client::workqueueFamilies(),
                               scheduler::schedulerFamilies(), proxy::metricFamilies(), policy::metricFamilies(),
                               clusterdns::dnsFamilies(), ingress::metricFamilies()}) {
    all.insert(all.end(), families.begin(), families.end());
  }
  return all;
}

std::string serviceAccountIssuer(const ServerOptions& options) {
  return "https://kubernetes.default.svc." + options.clusterDomain;
}

// "Address already in use" says what to do about it.
std::unique_ptr<net::Server> listen(const net::ServerOptions& options, const net::ConnectionLimits& limits,
                                    net::Handler handler) {
  try {
    return net::startServer(options, limits, std::move(handler));
  } catch (const std::system_error& error) {
    if (error.code().value() != EADDRINUSE) throw;
    throw std::runtime_error(
        fmt::format("port {} of {} is in use by another program (see: ss -ltnp 'sport = :{}'); stop "
                    "it, or choose another port with --port",
                    options.port, options.address, options.port));
  }
}

}  // namespace

struct ControlPlane::State {
  State(const ServerOptions& o, const pki::ClusterPki& pki, client::NodeConnections nodes, Readiness& r)
      : options(o),
        readiness(r),
        encryption(readEncryptionFile(o.encryptionConfig)),
        store(openStore(o, encryption, r)),
        api({.store = *store,
             .kinds = schema::builtinRegistry(),
             .tokens = readTokens(o),
             .serviceCidr = o.serviceCidr,
             .advertiseAddress = o.nodeIp,
             .advertisePort = o.port,
             .nodes = std::move(nodes),
             .serviceAccountKeysPem = pki.serviceAccountKeysPem,
             .serviceAccountIssuer = serviceAccountIssuer(o),
             .tokenLife = tokenLifeOf(o),
             .oidc = oidcOptions(o.oidc, serviceAccountIssuer(o)),
             .observer = observerOptions(o.limits),
             .metrics = componentFamilies()}),
        events(api.client(), "wherry"),
        informers(api.client()),
        controllerContext{.client = api.client(),
                          .informers = informers,
                          .events = events,
                          .rootCaPem = pki.authority.certificatePem,
                          .authority = pki.authority,
                          .clusterCidr = o.clusterCidr,
                          .loadBalancerPool = controllers::AddressRanges::parse(o.loadBalancerPool),
                          .localVolumeDirectory = o.dataDir + "/volumes",
                          .portHolder = portHolder},
        schedulerContext{.client = api.client(), .informers = informers, .events = events} {}

  const ServerOptions& options;
  Readiness& readiness;
  const apiserver::EncryptionConfiguration encryption;
  std::unique_ptr<storage::Store> store;
  apiserver::ApiServer api;
  client::EventRecorder events;
  client::InformerFactory informers;
  controllers::ControllerContext controllerContext;
  scheduler::SchedulerContext schedulerContext;
  std::vector<std::unique_ptr<controllers::Controller>> controllers;
  std::unique_ptr<scheduler::Scheduler> scheduler;
  std::unique_ptr<net::Server> server;
};

ControlPlane::ControlPlane(const ServerOptions& options, const pki::ClusterPki& pki, client::NodeConnections nodes,
                           Readiness& readiness)
    : state_(std::make_unique<State>(options, pki, std::move(nodes), readiness)) {
  readiness.set("api", false, "making what every cluster has");
  state_->api.start();
  net::ServerOptions http{.address = options.bindAddress,
                          .port = options.port,
                          .certificatePem = pki.apiServer.certificatePem,
                          .keyPem = pki.apiServer.keyPem,
                          .clientCaPem = pki.authority.certificatePem,
                          .errorResponse = apiserver::errorResponse};
  state_->server = listen(http, options.limits.connections, state_->api.handler());
  kLog.info("the API is at https://{}", hostAndPort(options.nodeIp, options.port));
  readiness.setReady("api");
}

ControlPlane::~ControlPlane() {
  state_->api.announceStop();
  if (state_->server) state_->server->stop(kStopGraceMillis);
  stopInformers();
  state_->scheduler.reset();
  state_->controllers.clear();
}

apiserver::ApiServer& ControlPlane::api() { return state_->api; }

apiserver::Rewritten ControlPlane::rewriteEncrypted() {
  if (state_->encryption.empty()) throw std::runtime_error("the server runs without --encryption-config");
  return apiserver::rewriteEncrypted(*state_->store, state_->encryption);
}

client::InformerFactory& ControlPlane::informers() { return state_->informers; }

ClusterFacts ControlPlane::saveSnapshot(const std::string& path) const {
  return saveCluster({.store = *state_->store,
                      .transformer = apiserver::makeTransformer(state_->encryption),
                      .dataDir = state_->options.dataDir,
                      .nodeName = state_->options.nodeName},
                     path);
}

void ControlPlane::setCertificate(const pki::KeyPair& certificate) {
  state_->server->setCertificate(certificate.certificatePem, certificate.keyPem);
}

void ControlPlane::startControllers() {
  if (state_->options.onlyApi()) {
    state_->controllers = controllers::startControllers(state_->controllerContext, {}, {"serviceaccount-controller"});
    return;
  }
  if (state_->options.enabled("controllers")) {
    state_->controllers = controllers::startControllers(state_->controllerContext);
    state_->controllers.push_back(
        controllers::makeManifestController(state_->controllerContext, manifestDirectory(state_->options)));
    state_->controllers.back()->start();
    state_->readiness.setReady("controllers");
  }
  if (state_->options.enabled("scheduler")) {
    state_->scheduler = scheduler::startScheduler(state_->schedulerContext);
    state_->readiness.setReady("scheduler");
  }
  state_->informers.start();
}

void ControlPlane::stopInformers() { state_->informers.stop(); }

std::vector<std::string> apiServerNames(const ServerOptions& options) {
  std::vector<std::string> names = {"kubernetes",
                                    "kubernetes.default",
                                    "kubernetes.default.svc",
                                    "kubernetes.default.svc." + options.clusterDomain,
                                    "localhost",
                                    options.nodeName,
                                    "127.0.0.1"};
  for (std::string_view ip : base::split(options.nodeIps, ',')) names.emplace_back(ip);
  for (const auto& range : requireRanges("--service-cidr", options.serviceCidr)) {
    names.push_back(range.address().plus(1).text());
    if (range.family() == base::IpFamily::kIPv6) names.emplace_back("::1");
  }
  for (const auto& address : linux::readNodeAddresses().addresses) {
    if (!findRange(options.serviceCidr, address.address.family())) continue;
    // The cluster DNS address sits on lo; nobody finds an API there.
    if (std::string text = address.address.text(); text != options.clusterDns) names.push_back(text);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace wherry::main

#include "ingress/front_door.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/pending_changes.h"
#include "client/workqueue.h"
#include "ingress/access_log.h"
#include "ingress/data_plane.h"
#include "ingress/gateway_follower.h"
#include "ingress/ingress_classes.h"
#include "ingress/ingress_routes.h"
#include "ingress/port_claims.h"
#include "ingress/slice_endpoints.h"
#include "meta/endpoint_slices.h"
#include "meta/time.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::ingress {
namespace {

const base::Log kLog("ingress");

using Clock = std::chrono::steady_clock;

constexpr const char* kByService = "ingress/service";
// A burst of changes is one reload: each leaves a process that ends with its last connection.
constexpr std::chrono::milliseconds kBetweenReloads{200};

using networking_v1::Ingress;
using networking_v1::IngressClass;

template <typename V>
std::vector<V> listOf(const client::Informer& informer) {
  std::vector<V> views;
  for (const meta::ObjectPtr& object : informer.list()) views.emplace_back(object);
  return views;
}

// Whether what routes are made of differs: not so when only a status does.
bool differsInRoutes(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
  if (!before || !after) return true;
  for (const char* part : {"metadata.generation", "metadata.annotations", "metadata.labels", "metadata.uid"}) {
    const json::Value *a = json::find(before->tree(), part), *b = json::find(after->tree(), part);
    if (!a != !b || (a && !json::equal(*a, *b))) return true;
  }
  return false;
}

bool isBalanced(const meta::ObjectPtr& service) {
  return service && core_v1::Service(service).spec().type() == "LoadBalancer";
}

// As a merge patch: null where there is none.
json::Value loadBalancerStatus(const std::vector<std::string>& addresses) {
  json::Array ingress;
  for (const std::string& address : addresses) ingress.push_back(json::Object{{"ip", address}});
  json::Value list = addresses.empty() ? json::Value() : json::Value(std::move(ingress));
  return json::Object{{"status", json::Object{{"loadBalancer", json::Object{{"ingress", std::move(list)}}}}}};
}

// Something is not what it was: what routes are made of; HAProxy, which ended by itself; one before it, which ended as
// it was told to; or the EndpointSlices of a Service ("namespace/name").
struct Change {
  enum class Of { kRoutes, kProcess, kFormerProcess, kEndpoints };
  Of of;
  std::string service = {};
  auto operator<=>(const Change&) const = default;
};
using Pending = client::PendingChanges<Change>;

}  // namespace

struct FrontDoor::State {
  State(client::Client& c, client::InformerFactory& informers, const client::EventRecorder& e, FrontDoorOptions o)
      : client(c),
        events(e.forComponent("wherry-ingress")),
        options(std::move(o)),
        ingresses(informers.informer(Ingress::kResource())),
        classes(informers.informer(IngressClass::kResource())),
        services(informers.informer(core_v1::Service::kResource())),
        slices(informers.informer(discovery_v1::EndpointSlice::kResource())),
        secrets(informers.informer(core_v1::Secret::kResource())),
        nameSpaces(informers.informer(core_v1::Namespace::kResource())),
        configMaps(informers.informer(core_v1::ConfigMap::kResource())),
        gateways(informers, [this] { changed(Change::Of::kRoutes); }),
        gatewayStatuses(c) {}

  void follow();
  void changed(Change::Of of) {
    pending.add({of});
    pending.finish();
  }
  void run(std::stop_token stop);
  void round(const Pending::Taken& taken);
  void updateEndpoints(const Pending::Taken& taken);
  void makeClasses();
  void openAccessLog();
  Contribution compile();
  GatewayContribution compileGateways(const GatewayPlace& place);
  Sources sources();
  void setRoutes();
  void tellAll(std::vector<Complaint> complaints);
  void tellGateways();
  void tellIngresses();
  meta::ObjectPtr find(const Origin& origin) const;
  void tell(const std::vector<Complaint>& complaints);
  void writeStatus(const std::string& key);

  client::Client& client;
  client::EventRecorder events;
  FrontDoorOptions options;
  client::Informer& ingresses;
  client::Informer& classes;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& secrets;
  client::Informer& nameSpaces;
  client::Informer& configMaps;
  GatewayFollower gateways;
  GatewayStatusWriter gatewayStatuses;

  Pending pending;
  base::Published<int64_t> applied{0};
  // What the last compilation looked up: "Secret default/web-tls".
  base::Guarded<std::set<std::string>> lookedUp;
  std::atomic<bool> servesIngresses = false;
  client::Workqueue statuses{"ingress-status"};

  std::unique_ptr<AccessLog> accessLog;

  // Of the thread that run() is on.
  std::unique_ptr<DataPlane> plane;
  CertificateCache certificates;
  Contribution compiled;  // but its model, which is the plane's
  std::set<Complaint> told;
  std::map<uint16_t, bool> ingressPorts;  // whether with TLS
  PortClaims claims;                      // of Services
  int64_t known = 0;                      // the revision of EndpointSlices up to which HAProxy has them
  bool routesAreDue = true;
  bool hasEnded = false;
  bool formerHasEnded = false;
  Clock::time_point lastReload{};

  std::unique_ptr<client::ReconcileLoop> statusWriter;
  std::jthread thread;
};

void FrontDoor::State::follow() {
  slices.addIndex(kByService, [](const meta::Object& slice) {
    std::string service = meta::serviceKeyOf(slice);
    return service.empty() ? std::vector<std::string>{} : std::vector<std::string>{service};
  });
  slices.addHandler({.onChange =
                         [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                           if (before) pending.add({Change::Of::kEndpoints, meta::serviceKeyOf(*before)});
                           if (after) pending.add({Change::Of::kEndpoints, meta::serviceKeyOf(*after)});
                         },
                     .onSynced = {},
                     .onRevision = [this](int64_t revision) { pending.finish(revision); }});
  for (client::Informer* informer : {&ingresses, &classes}) {
    informer->addHandler({.onChange =
                              [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                                if (differsInRoutes(before, after)) changed(Change::Of::kRoutes);
                              },
                          .onSynced = {},
                          .onRevision = {}});
  }
  auto followLookedUp = [this](client::Informer& informer, std::string kind) {
    informer.addHandler({.onChange =
                             [this, kind](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                               std::string key = kind + " " + (after ? after : before)->key().text();
                               if (lookedUp.with([&](const auto& keys) { return keys.contains(key); })) {
                                 changed(Change::Of::kRoutes);
                               }
                             },
                         .onSynced = {},
                         .onRevision = {}});
  };
  followLookedUp(services, "Service");
  services.addHandler({.onChange =
                           [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                             if (isBalanced(before) || isBalanced(after)) changed(Change::Of::kRoutes);
                           },
                       .onSynced = {},
                       .onRevision = {}});
  followLookedUp(secrets, "Secret");
  followLookedUp(nameSpaces, "Namespace");
  followLookedUp(configMaps, "ConfigMap");
}

// Every look is noted: a change of what was found, or not, is a change of routes.
Sources FrontDoor::State::sources() {
  auto lookUp = [this](client::Informer& informer, std::string kind) {
    return [this, &informer, kind](std::string_view ns, std::string_view name) {
      meta::ObjectKey key{std::string(ns), std::string(name)};
      lookedUp.with([&](auto& keys) { keys.insert(kind + " " + key.text()); });
      return informer.get(ns, name);
    };
  };
  return {.service = lookUp(services, "Service"),
          .secret = lookUp(secrets, "Secret"),
          .nameSpace = [byKey = lookUp(nameSpaces, "Namespace")](std::string_view,
                                                                 std::string_view name) { return byKey("", name); },
          .configMap = lookUp(configMaps, "ConfigMap"),
          .certificate = [this](const std::string& chain,
                                const std::string& key) { return certificates.certificate(chain, key); },
          .authorities = [this](const std::string& pem) { return certificates.authorities(pem); }};
}

GatewayContribution FrontDoor::State::compileGateways(const GatewayPlace& place) {
  return ingress::compileGateways(gateways.objects(), sources(), place, meta::formatTime(base::Clock::system().now()));
}

// Ingresses come first: their ports are the same in every cluster.
Contribution FrontDoor::State::compile() {
  lookedUp.with([](auto& keys) { keys.clear(); });  // what changes from here on is looked up again, or not needed
  Contribution all = routeIngresses({.ingresses = listOf<Ingress>(ingresses),
                                     .classes = listOf<IngressClass>(classes),
                                     .httpPort = options.httpPort,
                                     .httpsPort = options.httpsPort},
                                    sources());
  ingressPorts.clear();
  for (const auto& [number, port] : all.model.ports) ingressPorts[number] = port.tls;
  merge(all.model, compileGateways({.addresses = options.nodeAddresses, .taken = ingressPorts}).model);
  return all;
}

void FrontDoor::State::setRoutes() {
  compiled = compile();
  claims = portClaims(listOf<core_v1::Service>(services), options.nodeAddresses);
  for (Complaint& each : complaintsOf(claims, compiled.model)) compiled.complaints.push_back(std::move(each));
  tellAll(plane->setModel(std::move(compiled.model)));
  certificates.sweep();  // everything has been compiled
}

// Everybody hears what became of it. `complaints` are the plane's.
void FrontDoor::State::tellAll(std::vector<Complaint> complaints) {
  complaints.insert(complaints.end(), compiled.complaints.begin(), compiled.complaints.end());
  tell(complaints);
  tellGateways();
  tellIngresses();
}

// What HAProxy made of it is a part of what they hear.
void FrontDoor::State::tellGateways() {
  GatewayPlace place{options.nodeAddresses, plane->unavailablePorts(), ingressPorts, {}, plane->trouble()};
  place.unavailable.insert(claims.begin(), claims.end());
  for (const Complaint& each : told) {
    const bool passes = each.reason == "PortUnavailable" || each.reason == "HAProxyUnavailable";
    const bool isServed = each.reason == "ClientIpNotPreserved";
    if (!passes && !isServed) place.refused.emplace(each.about, each.message);
  }
  gatewayStatuses.set(compileGateways(place).statuses);
}

// They have an address while HAProxy runs with a port of theirs.
void FrontDoor::State::tellIngresses() {
  servesIngresses = plane->running() && std::ranges::any_of(ingressPorts, [&](const auto& port) {
                      return !plane->unavailablePorts().contains(port.first);
                    });
  for (const meta::ObjectKey& key : compiled.ours) statuses.add(key.text());
}

meta::ObjectPtr FrontDoor::State::find(const Origin& origin) const {
  return origin.kind == "Ingress" ? ingresses.get(origin.nameSpace, origin.name) : gateways.find(origin);
}

void FrontDoor::State::tell(const std::vector<Complaint>& complaints) {
  std::set<Complaint> now(complaints.begin(), complaints.end());
  for (const Complaint& complaint : now) {
    if (told.contains(complaint)) continue;
    meta::ObjectPtr about = find(complaint.about);
    if (about) events.record(*about, client::Severity::kWarning, complaint.reason, complaint.message);
  }
  told = std::move(now);
}

void FrontDoor::State::writeStatus(const std::string& key) {
  meta::ObjectPtr ingress = ingresses.get(meta::ObjectKey::parse(key));
  if (!ingress) return;
  json::Value status = loadBalancerStatus(servesIngresses ? options.nodeAddresses : std::vector<std::string>());
  const json::Value* wanted = json::find(status, "status.loadBalancer.ingress");
  const json::Value* now = json::find(ingress->tree(), "status.loadBalancer.ingress");
  if (now ? json::equal(*now, *wanted) : wanted->is_null()) return;
  client.patch(Ingress::kResource(), ingress->metadata().ns(), ingress->metadata().name(), client::PatchType::kMerge,
               status, {.subresource = "status"});
}

// All that is done at once: while HAProxy is loaded, too.
void FrontDoor::State::updateEndpoints(const Pending::Taken& taken) {
  std::set<std::string> changed;
  for (const Change& change : taken.keys) {
    if (change.of == Change::Of::kEndpoints) changed.insert(change.service);
    routesAreDue = routesAreDue || change.of == Change::Of::kRoutes;
    hasEnded = hasEnded || change.of == Change::Of::kProcess;
    formerHasEnded = formerHasEnded || change.of == Change::Of::kFormerProcess;
  }
  if (!changed.empty()) plane->updateEndpoints(changed);
  known = std::max(known, taken.revision);  // which is 0 until an EndpointSlice changes
  applied.publish(known);
}

void FrontDoor::State::round(const Pending::Taken& taken) {
  updateEndpoints(taken);
  if (std::exchange(formerHasEnded, false)) plane->settle();
  bool retry = plane->retryAt() && Clock::now() >= *plane->retryAt();
  if (std::exchange(hasEnded, false) || retry) tellAll(plane->restart());
  if (!routesAreDue || Clock::now() < lastReload + kBetweenReloads) return;
  routesAreDue = false;
  setRoutes();
  lastReload = Clock::now();
}

// Without it Ingresses are served just the same.
void FrontDoor::State::openAccessLog() {
  if (!options.settings.accessLog) return;
  try {
    accessLog = std::make_unique<AccessLog>(options.accessLog);
  } catch (const std::exception& error) {
    kLog.error("no access log: {}", error.what());
    options.settings.accessLog = false;
  }
}

void FrontDoor::State::makeClasses() {
  try {
    makeMissingClasses(client, listOf<IngressClass>(classes));
    makeGatewayClass(client, gateways.objects().classes);
  } catch (const std::exception& error) {
    kLog.error("making the classes of Ingresses and Gateways: {}", error.what());
  }
}

void FrontDoor::State::run(std::stop_token stop) {
  for (client::Informer* informer : {&ingresses, &classes, &services, &slices, &secrets, &nameSpaces, &configMaps}) {
    if (!informer->waitSynced(stop)) return;
  }
  if (!gateways.waitSynced(stop)) return;
  openAccessLog();
  plane = std::make_unique<DataPlane>(
      options.settings, DataPlane::Hooks{
                            .endpointsOf =
                                [this](const ServicePort& port, std::optional<base::IpFamily> family) {
                                  return endpointsOf(
                                      port, slices.byIndex(kByService, port.nameSpace + "/" + port.service), family);
                                },
                            .makeCertificate = options.defaultCertificate,
                            .onEnd = [this] { changed(Change::Of::kProcess); },
                            .meanwhile =
                                [this, stop] {
                                  if (auto taken = pending.take(stop, std::nullopt)) updateEndpoints(*taken);
                                },
                            .wake = [this] { pending.finish(); },
                            .accessLog = accessLog ? accessLog->writeEnd() : -1,
                            .returnPath = options.returnPath,
                            .onFormerEnd = [this] { changed(Change::Of::kFormerProcess); },
                        });
  makeClasses();
  showInMetrics(plane->counters());
  round({.keys = {}, .revision = slices.revision()});  // routes are due
  while (true) {
    std::optional<Clock::time_point> deadline = plane->retryAt();
    if (routesAreDue) deadline = lastReload + kBetweenReloads;
    auto taken = pending.take(stop, deadline);
    if (!taken) return;
    round(*taken);
  }
}

FrontDoor::FrontDoor(client::Client& client, client::InformerFactory& informers, const client::EventRecorder& events,
                     FrontDoorOptions options)
    : state_(std::make_unique<State>(client, informers, events, std::move(options))) {
  state_->follow();
}

FrontDoor::~FrontDoor() = default;

void FrontDoor::start() {
  state_->gatewayStatuses.start();
  state_->statusWriter = std::make_unique<client::ReconcileLoop>(
      state_->statuses, [state = state_.get()](const std::string& key) { state->writeStatus(key); });
  state_->thread = std::jthread([state = state_.get()](std::stop_token stop) { state->run(stop); });
}

const base::Published<int64_t>& FrontDoor::applied() const { return state_->applied; }

}  // namespace wherry::ingress

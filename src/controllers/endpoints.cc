#include "controllers/endpoints.h"

#include <algorithm>
#include <map>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/pod_state.h"

namespace wherry::controllers {

namespace {

using core_v1::Endpoints;
using core_v1::Pod;
using core_v1::Service;
using meta::ObjectPtr;

constexpr size_t kMaxAddresses = 1000;
constexpr std::string_view kOverCapacity = "endpoints.kubernetes.io/over-capacity";
constexpr std::string_view kManagedByLabel = "endpoints.kubernetes.io/managed-by";
constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";

// Addresses that share the same ports.
struct Subset {
  std::map<std::string, json::Object> ready;  // by address
  std::map<std::string, json::Object> notReady;
};
using Subsets = std::map<std::vector<EndpointPort>, Subset>;

json::Object renderAddress(const Service& service, const Pod& pod, std::string_view ip) {
  json::Object address{{"ip", ip}};
  if (const auto hostname = hostnameUnder(service, pod); !hostname.empty()) address["hostname"] = hostname;
  if (const auto node = pod.spec().nodeName(); !node.empty()) address["nodeName"] = node;
  address["targetRef"] = podReference(pod);
  return address;
}

Subsets groupByPorts(const Service& service, const std::vector<Pod>& pods) {
  Subsets subsets;
  const Family family = familiesOf(service).front();
  size_t addresses = 0;
  for (const auto& pod : pods) {
    const auto ip = addressOf(pod, family);
    const bool terminating = pod.metadata().deleting() && !service.spec().publishNotReadyAddresses();
    if (!canServe(pod) || ip.empty() || terminating || addresses == kMaxAddresses) continue;
    auto& subset = subsets[portsOf(service, pod)];
    const bool ready = isReady(pod) || service.spec().publishNotReadyAddresses();
    (ready ? subset.ready : subset.notReady).emplace(ip, renderAddress(service, pod, ip));
    ++addresses;
  }
  return subsets;
}

json::Array renderAddresses(std::map<std::string, json::Object>&& addresses) {
  json::Array rendered;
  for (auto& [ip, address] : addresses) rendered.push_back(std::move(address));
  return rendered;
}

json::Array renderPorts(const std::vector<EndpointPort>& ports) {
  json::Array rendered;
  for (const auto& port : ports) {
    json::Object entry;
    if (!port.name.empty()) entry["name"] = port.name;
    entry["port"] = port.port.value_or(0);
    entry["protocol"] = port.protocol;
    if (!port.appProtocol.empty()) entry["appProtocol"] = port.appProtocol;
    rendered.push_back(std::move(entry));
  }
  return rendered;
}

json::Array renderSubsets(Subsets&& subsets) {
  json::Array rendered;
  for (auto& [ports, subset] : subsets) {
    json::Object entry;
    if (!subset.ready.empty()) entry["addresses"] = renderAddresses(std::move(subset.ready));
    if (!subset.notReady.empty()) entry["notReadyAddresses"] = renderAddresses(std::move(subset.notReady));
    if (!ports.empty()) entry["ports"] = renderPorts(ports);
    rendered.push_back(std::move(entry));
  }
  return rendered;
}

json::Object labelsFor(const Service& service) {
  json::Object labels = service.metadata().labels();
  labels[kManagedByLabel] = "endpoint-controller";
  labels.erase(kHeadlessLabel);
  if (isHeadless(service)) labels[kHeadlessLabel] = "";
  return labels;
}

json::Object annotationsFor(const Endpoints& present, size_t pods) {
  json::Object annotations;
  if (present) annotations = present.metadata().annotations();
  annotations.erase(kOverCapacity);
  if (pods > kMaxAddresses) annotations[kOverCapacity] = "truncated";
  return annotations;
}

json::Value newEndpoints(const Service& service) {
  return json::Object{
      {"apiVersion", "v1"},
      {"kind", "Endpoints"},
      {"metadata", json::Object{{"name", service.metadata().name()}, {"namespace", service.metadata().ns()}}}};
}

class EndpointsController : public Controller {
 public:
  explicit EndpointsController(ControllerContext& context)
      : client_(context.client),
        services_(context.informers.informer(Service::kResource())),
        pods_(context.informers.informer(Pod::kResource())),
        endpoints_(context.informers.informer(Endpoints::kResource())),
        servicePods_(context.informers) {
    const auto addKey = [this](const ObjectPtr& before, const ObjectPtr& after) {
      queue_.add((after ? after : before)->key().text());
    };
    services_.addHandler({.onChange = addKey, .onSynced = {}, .onRevision = {}});
    endpoints_.addHandler({.onChange = addKey, .onSynced = {}, .onRevision = {}});
    pods_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { podChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void podChanged(const ObjectPtr& before, const ObjectPtr& after) {
    if (before && after && !concernsEndpoints(Pod(before), Pod(after))) return;
    for (const auto& object : {before, after}) {
      if (!object) continue;
      for (const auto& service : servicePods_.servicesOf(Pod(object))) queue_.add(service.text());
    }
  }

  void reconcile(const std::string& key) {
    const auto objectKey = meta::ObjectKey::parse(key);
    const Service service(services_.get(objectKey));
    const Endpoints present(endpoints_.get(objectKey));
    if (!service) return removeLeftover(present);
    if (!hasManagedEndpoints(service) || service.metadata().deleting() || !writes_.visible(key, endpoints_)) return;
    const auto wanted = decideEndpoints(service, servicePods_.podsOf(service), present);
    if (!wanted) return;
    try {
      const auto written = present ? client_.update(Endpoints::kResource(), objectKey.ns, *wanted)
                                   : client_.create(Endpoints::kResource(), objectKey.ns, *wanted);
      writes_.wrote(key, *written);
    } catch (const meta::StatusError& error) {
      if (error.code() != 403) throw;  // the namespace is being deleted
    }
  }

  // Endpoints have no owner: what this controller made goes with the Service.
  void removeLeftover(const Endpoints& present) {
    if (!present) return;
    const auto metadata = present.metadata();
    writes_.forget(present.key().text());
    if (metadata.label(kManagedByLabel) != "endpoint-controller") return;
    try {
      client_.remove(Endpoints::kResource(), metadata.ns(), metadata.name(), {.uid = std::string(metadata.uid())});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  client::Client& client_;
  client::Informer& services_;
  client::Informer& pods_;
  client::Informer& endpoints_;
  ServicePods servicePods_;
  client::OwnWrites writes_;
  client::Workqueue queue_{"endpoints-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::optional<json::Value> decideEndpoints(const Service& service, const std::vector<Pod>& pods,
                                           const Endpoints& present) {
  json::Value draft = present ? present.object()->tree() : newEndpoints(service);
  json::Object& metadata = meta::mutableMetadata(draft);
  metadata["labels"] = labelsFor(service);
  metadata["annotations"] = annotationsFor(present, pods.size());
  if (metadata["annotations"].as_object().empty()) metadata.erase("annotations");
  auto subsets = renderSubsets(groupByPorts(service, pods));
  if (subsets.empty()) {
    draft.as_object().erase("subsets");
  } else {
    draft.as_object()["subsets"] = std::move(subsets);
  }
  if (present && json::equal(draft, present.object()->tree())) return std::nullopt;
  return draft;
}

std::unique_ptr<Controller> makeEndpointsController(ControllerContext& context) {
  return std::make_unique<EndpointsController>(context);
}

}  // namespace wherry::controllers

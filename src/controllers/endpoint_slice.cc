#include "controllers/endpoint_slice.h"

#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/guarded.h"
#include "client/workqueue.h"
#include "controllers/slice_writer.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using core_v1::Pod;
using core_v1::Service;
using discovery_v1::EndpointSlice;
using meta::ObjectPtr;

constexpr std::string_view kByService = "service";
constexpr std::string_view kZone = "topology.kubernetes.io/zone";

// Only ours: users and other controllers may keep slices for the same Service.
std::vector<std::string> managedSliceOf(const meta::Object& slice) { return serviceOfSlice(slice, kManager); }

class EndpointSliceController : public Controller {
 public:
  explicit EndpointSliceController(ControllerContext& context)
      : events_(context.events.forComponent("endpoint-slice-controller")),
        services_(context.informers.informer(Service::kResource())),
        pods_(context.informers.informer(Pod::kResource())),
        nodes_(context.informers.informer(Node::kResource())),
        slices_(context.informers.informer(EndpointSlice::kResource())),
        servicePods_(context.informers),
        writer_(context.client) {
    slices_.addIndex(std::string(kByService), managedSliceOf);
    services_.addHandler(
        {.onChange = [this](const ObjectPtr& before,
                            const ObjectPtr& after) { queue_.add((after ? after : before)->key().text()); },
         .onSynced = {},
         .onRevision = {}});
    slices_.addHandler({.onChange =
                            [this](const ObjectPtr& before, const ObjectPtr& after) {
                              for (auto& service : managedSliceOf(after ? *after : *before))
                                queue_.add(std::move(service));
                            },
                        .onSynced = {},
                        .onRevision = {}});
    pods_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { podChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
    nodes_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { nodeChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
  }

  void start() override {
    constexpr unsigned kWorkers = 2;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
  }

 private:
  void podChanged(const ObjectPtr& before, const ObjectPtr& after) {
    if (before && after && !concernsEndpoints(Pod(before), Pod(after))) return;
    for (const auto& object : {before, after}) {
      if (!object) continue;
      for (const auto& service : servicePods_.servicesOf(Pod(object))) queue_.add(service.text());
    }
  }

  void nodeChanged(const ObjectPtr& before, const ObjectPtr& after) {
    const auto zone = [](const ObjectPtr& node) { return node ? node->metadata().label(kZone) : std::string_view(); };
    const bool moved = zone(before) != zone(after);
    if (!moved && sameShare(before, after)) return;
    for (const auto& service : services_.list()) {
      if (moved || wantsZoneShares(Service(service))) queue_.add(service->key().text());
    }
  }

  // By which zone it would have, were there another.
  static bool sameShare(const ObjectPtr& before, const ObjectPtr& after) {
    if (!before || !after) return false;
    const auto facts = [](const ObjectPtr& node) {
      const auto* cpu = json::find(node->tree(), "status.allocatable.cpu");
      const auto& labels = node->metadata().labels();
      std::string ready;
      for (const auto condition : Node(node).status().conditions()) {
        if (condition.type() == "Ready") ready = condition.status();
      }
      return std::tuple(ready, cpu ? json::serialize(*cpu) : "",
                        labels.contains("node-role.kubernetes.io/control-plane"));
    };
    return facts(before) == facts(after);
  }

  void reconcile(const std::string& key) {
    const Service service(services_.get(meta::ObjectKey::parse(key)));
    // A Service that is gone takes its slices along: they are owned by it.
    if (!service) return forget(key);
    if (!hasManagedEndpoints(service) || service.metadata().deleting()) return;
    // Its own last writes come as events, and those bring us back here.
    if (!writer_.visible(key, slices_)) return;
    std::vector<EndpointSlice> slices;
    for (const auto& object : slices_.byIndex(kByService, key)) {
      if (!object->metadata().deleting()) slices.emplace_back(object);
    }
    const auto zoneOf = [this](std::string_view name) {
      const auto node = nodes_.get("", name);
      return node ? std::string(node->metadata().label(kZone)) : std::string();
    };
    const auto shares = wantsZoneShares(service) ? zoneShares(all<Node>(nodes_)) : ZoneShares();
    const auto actions = decideEndpointSlices(service, servicePods_.podsOf(service), slices, zoneOf, shares);
    apply(key, service, actions);
    tellOfShares(key, service, actions);
  }

  template <typename View>
  static std::vector<View> all(const client::Informer& informer) {
    std::vector<View> views;
    for (const auto& object : informer.list()) views.emplace_back(object);
    return views;
  }

  void forget(const std::string& key) {
    writer_.forget(key);
    told_.with([&](auto& told) { told.erase(key); });
  }

  // Once for each reason.
  void tellOfShares(const std::string& key, const Service& service, const SliceActions& actions) {
    const auto before = told_.with([&](auto& told) {
      auto former = std::exchange(told[key], actions.sharesTrouble);
      if (actions.sharesTrouble.empty()) told.erase(key);
      return former;
    });
    for (const auto& [type, trouble] : actions.sharesTrouble) {
      const auto found = before.find(type);
      if (found != before.end() && found->second == trouble) continue;
      const bool enabled = trouble.empty();
      events_.record(
          *service.object(), enabled ? client::Severity::kNormal : client::Severity::kWarning,
          enabled ? "TopologyAwareHintsEnabled" : "TopologyAwareHintsDisabled",
          fmt::format("{}, addressType: {}", enabled ? "Topology Aware Hints has been enabled" : trouble, type));
    }
  }

  void apply(const std::string& key, const Service& service, const SliceActions& actions) {
    try {
      writer_.apply(key, actions);
    } catch (const meta::StatusError& error) {
      if (!error.isConflict()) {
        events_.record(*service.object(), client::Severity::kWarning, "FailedToUpdateEndpointSlices",
                       fmt::format("Error updating Endpoint Slices for Service {}: {}", key, error.message()));
      }
      throw;
    }
  }

  client::EventRecorder events_;
  client::Informer& services_;
  client::Informer& pods_;
  client::Informer& nodes_;
  client::Informer& slices_;
  ServicePods servicePods_;
  SliceWriter writer_;
  base::Guarded<std::map<std::string, std::map<std::string, std::string>>> told_;  // by Service: sharesTrouble
  client::Workqueue queue_{"endpointslice-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeEndpointSliceController(ControllerContext& context) {
  return std::make_unique<EndpointSliceController>(context);
}

}  // namespace wherry::controllers

#include "controllers/endpoint_slice.h"

#include <fmt/format.h>

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
    if (zone(before) == zone(after)) return;
    for (const auto& service : services_.list()) queue_.add(service->key().text());
  }

  void reconcile(const std::string& key) {
    const Service service(services_.get(meta::ObjectKey::parse(key)));
    // A Service that is gone takes its slices along: they are owned by it.
    if (!service) return writer_.forget(key);
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
    apply(key, service, decideEndpointSlices(service, servicePods_.podsOf(service), slices, zoneOf));
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
  client::Workqueue queue_{"endpointslice-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeEndpointSliceController(ControllerContext& context) {
  return std::make_unique<EndpointSliceController>(context);
}

}  // namespace wherry::controllers

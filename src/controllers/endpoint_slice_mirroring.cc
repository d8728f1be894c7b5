#include "controllers/endpoint_slice_mirroring.h"

#include "client/workqueue.h"
#include "controllers/slice_writer.h"

namespace wherry::controllers {

namespace {

using core_v1::Endpoints;
using core_v1::Service;
using discovery_v1::EndpointSlice;
using meta::ObjectPtr;

constexpr std::string_view kMirrorsByService = "mirrors";

std::vector<std::string> mirroredService(const meta::Object& slice) { return serviceOfSlice(slice, kMirroringManager); }

class EndpointSliceMirroringController : public Controller {
 public:
  explicit EndpointSliceMirroringController(ControllerContext& context)
      : services_(context.informers.informer(Service::kResource())),
        endpoints_(context.informers.informer(Endpoints::kResource())),
        slices_(context.informers.informer(EndpointSlice::kResource())),
        writer_(context.client) {
    slices_.addIndex(std::string(kMirrorsByService), mirroredService);
    const auto addKey = [this](const ObjectPtr& before, const ObjectPtr& after) {
      queue_.add((after ? after : before)->key().text());
    };
    services_.addHandler({.onChange = addKey, .onSynced = {}, .onRevision = {}});
    endpoints_.addHandler({.onChange = addKey, .onSynced = {}, .onRevision = {}});
    slices_.addHandler({.onChange =
                            [this](const ObjectPtr& before, const ObjectPtr& after) {
                              for (auto& service : mirroredService(after ? *after : *before))
                                queue_.add(std::move(service));
                            },
                        .onSynced = {},
                        .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    if (!writer_.visible(key, slices_)) return;  // the event that is still to come brings us back
    std::vector<EndpointSlice> slices;
    for (const auto& object : slices_.byIndex(kMirrorsByService, key)) {
      if (!object->metadata().deleting()) slices.emplace_back(object);
    }
    const auto objectKey = meta::ObjectKey::parse(key);
    const Service service(services_.get(objectKey));
    writer_.apply(key, decideMirrors(service, Endpoints(endpoints_.get(objectKey)), slices));
    if (!service) writer_.forget(key);
  }

  client::Informer& services_;
  client::Informer& endpoints_;
  client::Informer& slices_;
  SliceWriter writer_;
  client::Workqueue queue_{"endpointslicemirroring-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeEndpointSliceMirroringController(ControllerContext& context) {
  return std::make_unique<EndpointSliceMirroringController>(context);
}

}  // namespace wherry::controllers

#include "controllers/per_namespace.h"

#include "client/workqueue.h"
#include "views/core_v1.h"

namespace wherry::controllers {

namespace {

using meta::ObjectPtr;

class PerNamespaceController : public Controller {
 public:
  PerNamespaceController(ControllerContext& context, std::string name, const meta::Resource& resource,
                         std::string_view objectName, DecideObject decide)
      : context_(context),
        name_(std::move(name)),
        resource_(resource),
        objectName_(objectName),
        decide_(std::move(decide)),
        namespaces_(context.informers.informer(core_v1::Namespace::kResource())),
        // All namespaces' objects of this one name: not the user's other ConfigMaps.
        objects_(context.informers.informer(resource, "metadata.name=" + objectName_)) {
    namespaces_.addHandler({.onChange =
                                [this](const ObjectPtr& before, const ObjectPtr& after) {
                                  if (!before && after) queue_.add(std::string(after->metadata().name()));
                                },
                            .onSynced = {},
                            .onRevision = {}});
    objects_.addHandler({.onChange =
                             [this](const ObjectPtr& before, const ObjectPtr& after) {
                               queue_.add(std::string((after ? after : before)->metadata().ns()));
                             },
                         .onSynced = {},
                         .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& ns) { reconcile(ns); });
  }

 private:
  void reconcile(const std::string& ns) {
    const auto owner = namespaces_.get("", ns);
    if (!owner || owner->metadata().deleting()) return;
    const auto present = objects_.get(ns, objectName_);
    const auto wanted = decide_(ns, present.get());
    if (!wanted) return;
    if (present) {
      context_.client.update(resource_, ns, *wanted);
    } else {
      create(ns, *wanted);
    }
  }

  void create(const std::string& ns, const json::Value& object) {
    try {
      context_.client.create(resource_, ns, object);
    } catch (const meta::StatusError& error) {
      // Somebody else was quicker, or the namespace is going: either way its event brings us back.
      if (!error.isAlreadyExists() && !error.isNotFound() && error.code() != 403) throw;
    }
  }

  ControllerContext& context_;
  std::string name_;
  meta::Resource resource_;
  std::string objectName_;
  DecideObject decide_;
  client::Informer& namespaces_;
  client::Informer& objects_;
  client::Workqueue queue_{name_};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makePerNamespaceController(ControllerContext& context, std::string name,
                                                       const meta::Resource& resource, std::string_view objectName,
                                                       DecideObject decide) {
  return std::make_unique<PerNamespaceController>(context, std::move(name), resource, objectName, std::move(decide));
}

}  // namespace wherry::controllers

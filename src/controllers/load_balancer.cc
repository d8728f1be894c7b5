#include "controllers/load_balancer.h"

#include <map>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using core_v1::Service;
using meta::ObjectPtr;

const std::string kAll = "all";  // Services share addresses and ports: they are decided together

bool matters(const ObjectPtr& before, const ObjectPtr& after) {
  const auto balances = [](const ObjectPtr& object) {
    if (!object) return false;
    const Service service(object);
    return service.spec().type() == "LoadBalancer" || !service.status().loadBalancer().ingress().empty();
  };
  return balances(before) || balances(after);
}

bool sameNode(const ObjectPtr& before, const ObjectPtr& after) {
  if (!before || !after) return false;
  const auto addresses = [](const ObjectPtr& node) {
    const auto* found = json::find(node->tree(), "status.addresses");
    return found ? *found : json::Value();
  };
  return json::equal(addresses(before), addresses(after)) && before->metadata().labels() == after->metadata().labels();
}

class LoadBalancerController : public Controller {
 public:
  explicit LoadBalancerController(ControllerContext& context)
      : client_(context.client),
        events_(context.events.forComponent("service-controller")),
        pool_(context.loadBalancerPool),
        holderOf_(context.portHolder),
        services_(context.informers.informer(Service::kResource())),
        nodes_(context.informers.informer(Node::kResource())) {
    services_.addHandler({.onChange =
                              [this](const ObjectPtr& before, const ObjectPtr& after) {
                                if (matters(before, after)) queue_.add(kAll);
                              },
                          .onSynced = {},
                          .onRevision = {}});
    nodes_.addHandler({.onChange =
                           [this](const ObjectPtr& before, const ObjectPtr& after) {
                             if (!sameNode(before, after)) queue_.add(kAll);
                           },
                       .onSynced = {},
                       .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string&) { reconcile(); });
  }

 private:
  template <typename View>
  static std::vector<View> all(const client::Informer& informer) {
    std::vector<View> views;
    for (const auto& object : informer.list()) views.emplace_back(object);
    return views;
  }

  void reconcile() {
    if (!writes_.visible(kAll, services_)) return;  // the event that is still to come brings us back
    for (const auto& outcome : decideLoadBalancers(all<Service>(services_), all<Node>(nodes_), pool_, holderOf_)) {
      warn(outcome);
      apply(outcome);
    }
  }

  void apply(const BalancerOutcome& outcome) {
    const auto& service = *outcome.service.object();
    const auto* current = json::find(service.tree(), "status");
    json::Object status = current && current->is_object() ? current->get_object() : json::Object();
    status["loadBalancer"] = outcome.loadBalancer;
    try {
      const auto written = applyStatus(client_, Service::kResource(), service, std::move(status));
      if (written) writes_.wrote(kAll, *written);
    } catch (const meta::StatusError& error) {
      if (!error.isConflict()) throw;  // its newer state is on its way here
    }
  }

  // Once for each reason.
  void warn(const BalancerOutcome& outcome) {
    const auto key = outcome.service.key().text();
    if (outcome.warning.empty()) {
      warned_.erase(key);
    } else if (std::exchange(warned_[key], outcome.warning) != outcome.warning) {
      events_.record(*outcome.service.object(), client::Severity::kWarning, "SyncLoadBalancerFailed", outcome.warning);
    }
  }

  client::Client& client_;
  client::EventRecorder events_;
  const AddressRanges pool_;
  const PortHolder holderOf_;
  client::Informer& services_;
  client::Informer& nodes_;
  std::map<std::string, std::string> warned_;  // the worker's own
  client::OwnWrites writes_;
  client::Workqueue queue_{"service-lb-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeLoadBalancerController(ControllerContext& context) {
  return std::make_unique<LoadBalancerController>(context);
}

}  // namespace wherry::controllers

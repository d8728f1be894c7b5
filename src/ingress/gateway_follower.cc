#include "ingress/gateway_follower.h"

#include <algorithm>

#include "base/log.h"
#include "ingress/gateway_names.h"
#include "meta/status.h"

namespace wherry::ingress {
namespace {

using namespace gateway_v1;

constexpr std::string_view kClassName = "wherry";

const base::Log& log() {
  static const base::Log kLog("ingress");
  return kLog;
}

template <typename View>
std::vector<View> all(const client::Informer& informer) {
  std::vector<View> views;
  for (const meta::ObjectPtr& object : informer.list()) views.emplace_back(object);
  return views;
}

bool writeStatus(client::Client& client, const StatusChange& change) {
  const meta::Metadata metadata = change.object->metadata();
  json::Value next = change.object->tree();
  next.as_object()["status"] = change.status;
  try {
    client.update(change.resource, metadata.ns(), next, {"status", "", false});
    return true;
  } catch (const meta::StatusError& error) {
    if (error.isConflict() || error.isNotFound()) return true;
    log().info("status of {} {}: {}", change.resource.kind, change.object->key().text(), error.message());
    return false;
  }
}

}  // namespace

GatewayFollower::GatewayFollower(client::InformerFactory& informers, const std::function<void()>& changed)
    : classes_(informers.informer(GatewayClass::kResource())),
      gateways_(informers.informer(Gateway::kResource())),
      httpRoutes_(informers.informer(HTTPRoute::kResource())),
      grpcRoutes_(informers.informer(GRPCRoute::kResource())),
      tlsRoutes_(informers.informer(TLSRoute::kResource())),
      grants_(informers.informer(ReferenceGrant::kResource())) {
  for (client::Informer* each : {&classes_, &gateways_, &httpRoutes_, &grpcRoutes_, &tlsRoutes_, &grants_}) {
    each->addHandler({.onChange = [changed](const auto&, const auto&) { changed(); }});
  }
}

GatewayObjects GatewayFollower::objects() const {
  return {all<GatewayClass>(classes_), all<Gateway>(gateways_),   all<HTTPRoute>(httpRoutes_),
          all<GRPCRoute>(grpcRoutes_), all<TLSRoute>(tlsRoutes_), all<ReferenceGrant>(grants_)};
}

void makeGatewayClass(client::Client& client, const std::vector<GatewayClass>& existing) {
  auto isOurs = [](const GatewayClass& each) { return each.metadata().name() == kClassName; };
  if (std::ranges::any_of(existing, isOurs)) return;
  const json::Value wanted = json::Object{
      {"apiVersion", "gateway.networking.k8s.io/v1"},
      {"kind", "GatewayClass"},
      {"metadata", json::Object{{"name", kClassName}}},
      {"spec",
       json::Object{{"controllerName", kGatewayController}, {"description", "The ports of the node, by HAProxy."}}}};
  try {
    client.create(GatewayClass::kResource(), "", wanted);
  } catch (const meta::StatusError& error) {
    if (!error.isAlreadyExists()) throw;
  }
}

bool writeStatuses(client::Client& client, const std::vector<StatusChange>& changes) {
  bool written = true;
  for (const StatusChange& each : changes) written = writeStatus(client, each) && written;
  return written;
}

}  // namespace wherry::ingress

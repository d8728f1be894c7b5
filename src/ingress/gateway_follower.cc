#include "ingress/gateway_follower.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ingress/gateway_names.h"
#include "meta/status.h"

namespace wherry::ingress {
namespace {

using namespace gateway_v1;

constexpr std::string_view kClassName = "wherry";

template <typename View>
std::vector<View> all(const client::Informer& informer) {
  std::vector<View> views;
  for (const meta::ObjectPtr& object : informer.list()) views.emplace_back(object);
  return views;
}

}  // namespace

GatewayFollower::GatewayFollower(client::InformerFactory& informers, const std::function<void()>& changed)
    : classes_(informers.informer(GatewayClass::kResource())),
      gateways_(informers.informer(Gateway::kResource())),
      httpRoutes_(informers.informer(HTTPRoute::kResource())),
      grpcRoutes_(informers.informer(GRPCRoute::kResource())),
      tlsRoutes_(informers.informer(TLSRoute::kResource())),
      grants_(informers.informer(ReferenceGrant::kResource())),
      tlsPolicies_(informers.informer(BackendTLSPolicy::kResource())) {
  for (client::Informer* each :
       {&classes_, &gateways_, &httpRoutes_, &grpcRoutes_, &tlsRoutes_, &grants_, &tlsPolicies_}) {
    each->addHandler({.onChange = [changed](const auto&, const auto&) { changed(); }});
  }
}

GatewayObjects GatewayFollower::objects() const {
  return {all<GatewayClass>(classes_),        all<Gateway>(gateways_),   all<HTTPRoute>(httpRoutes_),
          all<GRPCRoute>(grpcRoutes_),        all<TLSRoute>(tlsRoutes_), all<ReferenceGrant>(grants_),
          all<BackendTLSPolicy>(tlsPolicies_)};
}

meta::ObjectPtr GatewayFollower::find(const Origin& origin) const {
  for (const auto& [kind, informer] : {std::pair<std::string_view, const client::Informer*>{"Gateway", &gateways_},
                                       {kHttpRoute, &httpRoutes_},
                                       {kGrpcRoute, &grpcRoutes_},
                                       {kTlsRoute, &tlsRoutes_}}) {
    if (kind == origin.kind) return informer->get(origin.nameSpace, origin.name);
  }
  return nullptr;
}

bool GatewayFollower::waitSynced(const std::stop_token& stop) const {
  return std::ranges::all_of(
      std::array{&classes_, &gateways_, &httpRoutes_, &grpcRoutes_, &tlsRoutes_, &grants_, &tlsPolicies_},
      [&](const client::Informer* each) { return each->waitSynced(stop); });
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

void GatewayStatusWriter::start() {
  loop_ = std::make_unique<client::ReconcileLoop>(queue_, [this](const std::string& key) { write(key); });
}

void GatewayStatusWriter::set(std::vector<StatusChange> changes) {
  std::map<std::string, StatusChange> wanted;
  for (StatusChange& each : changes) {
    std::string key = each.resource.kind + " " + each.object->key().text();
    wanted.emplace(std::move(key), std::move(each));
  }
  std::vector<std::string> keys;
  for (const auto& [key, change] : wanted) keys.push_back(key);
  wanted_.with([&](auto& all) { all.swap(wanted); });
  for (std::string& key : keys) queue_.add(std::move(key));
}

void GatewayStatusWriter::write(const std::string& key) {
  const auto change = wanted_.with([&](const auto& all) {
    const auto at = all.find(key);
    return at == all.end() ? std::nullopt : std::optional(at->second);
  });
  if (!change) return;
  json::Value next = change->object->tree();
  next.as_object()["status"] = change->status;
  try {
    client_.update(change->resource, change->object->metadata().ns(), next, {.subresource = "status"});
  } catch (const meta::StatusError& error) {
    if (!error.isConflict() && !error.isNotFound()) throw;
  }
}

}  // namespace wherry::ingress

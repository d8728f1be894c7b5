#include "ingress/gateway_attachment.h"

#include <algorithm>

#include <fmt/format.h>

#include "ingress/gateway_hosts.h"
#include "meta/status.h"

namespace wherry::ingress {
namespace {

bool isNamed(const GatewayListener& listener, const gateway_v1::ParentReference& reference) {
  return (reference.sectionName().empty() || reference.sectionName() == listener.name()) &&
         (!reference.hasPort() || reference.port() == listener.port);
}

bool selects(const json::Value* selector, const meta::ObjectPtr& nameSpace) {
  if (!selector || !nameSpace) return false;
  try {
    return meta::LabelSelector::fromObject(selector).matches(nameSpace->metadata().labels());
  } catch (const meta::StatusError&) {
    return false;  // an operator that isn't one
  }
}

bool admitsNamespace(const GatewayListener& listener, std::string_view ns, const Sources& sources) {
  const json::Value* namespaces = listener.spec.allowedRoutes().namespaces();
  const std::string_view from = namespaces ? json::getString(*namespaces, "from") : "";
  if (from == "All") return true;
  if (from == "Selector") return selects(json::find(*namespaces, "selector"), sources.nameSpace("", ns));
  return ns == listener.gateway.metadata().ns();
}

bool admits(const GatewayListener& listener, const RouteView& route, const Sources& sources) {
  return std::ranges::find(listener.kinds, route.kind) != listener.kinds.end() &&
         admitsNamespace(listener, route.nameSpace(), sources);
}

std::vector<std::string> commonHosts(const GatewayListener& listener, const RouteView& route) {
  std::vector<std::string> hosts;
  for (const std::string& name : route.hostnames()) {
    auto common = commonHost(listener.hostname, name);
    if (common && std::ranges::find(hosts, *common) == hosts.end()) hosts.push_back(std::move(*common));
  }
  return hosts;
}

}  // namespace

AttachmentOutcome attach(const RouteView& route, const gateway_v1::ParentReference& reference,
                         std::vector<GatewayListener>& listeners, const Sources& sources) {
  AttachmentOutcome outcome;
  bool named = false, admitted = false;
  for (GatewayListener& listener : listeners) {
    if (!isNamed(listener, reference)) continue;
    named = true;
    if (!admits(listener, route, sources)) continue;
    admitted = true;
    auto hosts = commonHosts(listener, route);
    if (!hosts.empty()) outcome.attachments.push_back({&listener, std::move(hosts)});
  }
  if (!named) {
    outcome.refused = {"NoMatchingParent", "the Gateway has no listener of this name and port"};
  } else if (!admitted) {
    outcome.refused = {"NotAllowedByListeners",
                       fmt::format("no listener takes a {} of namespace {}", route.kind, route.nameSpace())};
  } else if (outcome.attachments.empty()) {
    outcome.refused = {"NoMatchingListenerHostname", "no hostname of the route is one of a listener that takes it"};
  }
  return outcome;
}

}  // namespace wherry::ingress

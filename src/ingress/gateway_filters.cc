#include "ingress/gateway_filters.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace wherry::ingress {
namespace {

using gateway_v1::HTTPHeaderFilter;
using gateway_v1::HTTPPathModifier;
using gateway_v1::HTTPRouteFilter;

void changeHeaders(const HTTPHeaderFilter& filter, HeaderChange::On on, Backend& to) {
  using How = HeaderChange::How;
  for (const auto each : filter.set()) {
    to.headers.push_back({on, How::kSet, std::string(each.name()), std::string(each.value())});
  }
  for (const auto each : filter.add()) {
    to.headers.push_back({on, How::kAdd, std::string(each.name()), std::string(each.value())});
  }
  for (const std::string_view each : filter.remove()) to.headers.push_back({on, How::kRemove, std::string(each), ""});
}

PathChange pathChange(const HTTPPathModifier& path) {
  if (path.type() == "ReplaceFullPath") return {PathChange::Kind::kFull, std::string(path.replaceFullPath())};
  if (path.type() == "ReplacePrefixMatch") return {PathChange::Kind::kPrefix, std::string(path.replacePrefixMatch())};
  return {};
}

Redirect redirectOf(const gateway_v1::HTTPRequestRedirectFilter& filter) {
  Redirect redirect;
  redirect.scheme = filter.scheme();
  redirect.host = filter.hostname();
  redirect.port = static_cast<uint16_t>(filter.port());
  redirect.path = pathChange(filter.path());
  redirect.status = static_cast<int>(filter.statusCodeOr(302));
  return redirect;
}

Cors corsOf(const gateway_v1::HTTPCORSFilter& filter) {
  Cors cors;
  for (const std::string_view each : filter.allowOrigins()) cors.origins.emplace_back(each);
  for (const std::string_view each : filter.allowMethods()) cors.methods.emplace_back(each);
  for (const std::string_view each : filter.allowHeaders()) cors.headers.emplace_back(each);
  for (const std::string_view each : filter.exposeHeaders()) cors.exposed.emplace_back(each);
  cors.credentials = filter.allowCredentials();
  cors.maxAge = std::chrono::seconds(filter.maxAgeOr(5));
  return cors;
}

class Filters {
 public:
  Filters(const ReferringRoute& route, Backend& to) : route_(route), to_(to) {}

  void apply(const HTTPRouteFilter& filter) {
    const std::string_view type = filter.type();
    if (type == "RequestHeaderModifier") {
      changeHeaders(filter.requestHeaderModifier(), HeaderChange::On::kRequest, to_);
    } else if (type == "ResponseHeaderModifier") {
      changeHeaders(filter.responseHeaderModifier(), HeaderChange::On::kResponse, to_);
    } else if (type == "RequestRedirect") {
      to_.redirect = redirectOf(filter.requestRedirect());
    } else if (type == "URLRewrite") {
      to_.host = filter.urlRewrite().hostname();
      to_.path = pathChange(filter.urlRewrite().path());
    } else if (type == "CORS") {
      applyCors(filter.cors());
    } else if (type == "RequestMirror") {
      applyMirror(filter.requestMirror());
    } else {
      applyUnknown(filter);
    }
  }

  FilterOutcome take() { return std::move(outcome_); }

 private:
  // One that leads nowhere isn't there; the request itself is served.
  void applyMirror(const gateway_v1::HTTPRequestMirrorFilter& filter) {
    auto found = findBackend(filter.backendRef(), route_);
    if (auto* why = std::get_if<Finding>(&found)) {
      outcome_.unresolved = std::move(*why);
      return;
    }
    auto& target = std::get<BackendTarget>(found);
    if (target.isRefused) return;
    Mirror mirror{.target = std::move(target.port), .protocol = target.protocol, .tls = std::move(target.tls)};
    if (filter.hasPercent()) {
      mirror.part = static_cast<uint32_t>(filter.percent());
      mirror.total = 100;
    } else if (filter.hasFraction()) {
      mirror.part = static_cast<uint32_t>(filter.fraction().numerator());
      mirror.total = static_cast<uint32_t>(filter.fraction().denominatorOr(100));
    }
    if (mirror.part > 0) to_.mirrors.push_back(std::move(mirror));
  }
  // A browser that sends credentials takes no "*" for an answer.
  void applyCors(const gateway_v1::HTTPCORSFilter& filter) {
    to_.cors = corsOf(filter);
    auto isAll = [](const auto& list) { return std::ranges::find(list, "*") != list.end(); };
    if (to_.cors->credentials && (isAll(to_.cors->origins) || isAll(to_.cors->methods) || isAll(to_.cors->headers))) {
      outcome_.unsupported = "filter CORS: \"*\" together with allowCredentials";
    }
  }
  // A filter that isn't known is never passed over: its requests get an error.
  void applyUnknown(const HTTPRouteFilter& filter) {
    to_.answer = Answer{.status = 500};
    outcome_.unresolved = {"InvalidKind", fmt::format("filter {} \"{}\" isn't known", filter.extensionRef().kind(),
                                                      filter.extensionRef().name())};
  }

  const ReferringRoute& route_;
  Backend& to_;
  FilterOutcome outcome_;
};

}  // namespace

FilterOutcome applyFilters(const json::Array& filters, const ReferringRoute& route, Backend& to) {
  Filters all(route, to);
  for (const json::Value& each : filters) all.apply(HTTPRouteFilter(&each));
  return all.take();
}

void finishRedirect(Redirect& redirect, uint16_t listenerPort, bool tls) {
  if (redirect.port != 0 || !redirect.scheme.empty()) return;
  redirect.scheme = tls ? "https" : "http";
  if (listenerPort != (tls ? 443 : 80)) redirect.port = listenerPort;
}

}  // namespace wherry::ingress

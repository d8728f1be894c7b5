#include "apiserver/resource_proxy.h"

#include <array>
#include <chrono>
#include <random>

#include <fmt/format.h>

#include "apiserver/answer.h"
#include "apiserver/pod_dial.h"
#include "apiserver/proxy_answer.h"
#include "apiserver/proxy_rewrite.h"
#include "apiserver/proxy_target.h"
#include "apiserver/stream_upgrade.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::seconds kConnectTime{30};

void requireMethod(const RequestInfo& info, const std::string& method) {
  static constexpr std::array<std::string_view, 7> kMethods = {"GET",    "POST", "PUT",    "PATCH",
                                                               "DELETE", "HEAD", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end()) return;
  throw meta::methodNotSupported({info.group, info.resource}, method);
}

// A backend's root is a folder: what is relative in it must be so to ".../proxy/". https://issue.k8s.io/4958
bool redirectsToRoot(net::Exchange& exchange, const ProxyPlace& place) {
  const auto& request = exchange.request();
  if (!place.path.empty() || (request.method != "GET" && request.method != "HEAD")) return false;
  net::Response response;
  response.status = 301;
  response.headers.add("Location", request.path + "/" + (request.query.empty() ? "" : "?" + request.query));
  exchange.respond(std::move(response));
  return true;
}

void dial(Backend& backend, const ProxyTarget& target, const client::OnDialed& done) {
  if (target.kind == ProxyTarget::Kind::kAddress) {
    return backend.dialer.connect({target.address, target.port, ""}, kConnectTime,
                                  [host = target.host(), done](net::ByteStreamPtr stream, const std::string& why) {
                                    done(std::move(stream), fmt::format("dial tcp {}: {}", host, why));
                                  });
  }
  auto node = backend.nodes ? backend.nodes(target.node) : nullptr;
  if (!node) throw meta::serviceUnavailable(fmt::format("node {} can't be reached", target.node));
  dialPod({node, target.ns, target.pod, target.podUid}, target.port, done);
}

void serveNode(Backend& backend, const ProxyTarget& target, const ProxyPlace& place, const net::ExchangePtr& exchange) {
  auto node = backend.nodes ? backend.nodes(target.node) : nullptr;
  if (!node) throw meta::serviceUnavailable(fmt::format("node {} can't be reached", target.node));
  const auto& query = exchange->request().query;
  node->serve(place.path + (query.empty() ? "" : "?" + query), exchange);
}

uint32_t anyNumber() {
  static thread_local std::minstd_rand generator{std::random_device{}()};
  return static_cast<uint32_t>(generator());
}

}  // namespace

void serveProxy(Backend& backend, const ApiRequest& request) {
  const auto& info = request.info;
  const auto& exchange = request.exchange;
  requireMethod(info, exchange->request().method);
  auto target = findProxyTarget(backend.objects, info, anyNumber());
  // /api/v1/namespaces/NS/pods/NAME/proxy, /api/v1/nodes/NAME/proxy
  auto place = proxyPlace(exchange->request(), info.ns.empty() ? 5 : 7);
  place.backendHost = target.host();
  bool upgrade = wantsUpgrade(exchange->request());
  if (!upgrade && redirectsToRoot(*exchange, place)) return;
  if (target.kind == ProxyTarget::Kind::kNode) return serveNode(backend, target, place, exchange);
  dial(backend, target, [&backend, exchange, place, upgrade, tls = target.tls](auto stream, const std::string& why) {
    if (stream && tls) stream = backend.dialer.secure(std::move(stream));
    if (stream) return passOn(std::move(stream), exchange, place, upgrade);
    exchange->respond(statusAnswer(meta::serviceUnavailable("error trying to reach service: " + why), {}));
  });
}

}  // namespace wherry::apiserver

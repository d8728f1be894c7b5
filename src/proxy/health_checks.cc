#include "proxy/health_checks.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"

namespace wherry::proxy {
namespace {

const base::Log kLog("proxy");

}  // namespace

net::Response renderHealth(const std::string& service, size_t localEndpoints) {
  auto [ns, name] = base::splitOnce(service, '/').value_or(std::pair<std::string_view, std::string_view>("", service));
  std::string body = fmt::format(
      R"({{"service": {{"namespace": "{}", "name": "{}"}}, "localEndpoints": {}, "serviceProxyHealthy": true}})"
      "\n",
      ns, name, localEndpoints);
  auto response = net::Response::text(localEndpoints > 0 ? 200 : 503, "application/json", std::move(body));
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("X-Load-Balancing-Endpoint-Weight", std::to_string(localEndpoints));
  return response;
}

void HealthChecks::set(const std::string& service, std::optional<HealthCheck> check) {
  auto found = asked_.find(service);
  if (found != asked_.end() && check && found->second.port == check->port) {
    *found->second.localEndpoints = check->localEndpoints;
    return;
  }
  if (found != asked_.end()) asked_.erase(found);
  if (!check) return;
  auto localEndpoints = std::make_shared<std::atomic<size_t>>(check->localEndpoints);
  net::ServerOptions options{.address = address_, .port = check->port, .maxConnections = 100, .threads = 1};
  try {
    auto server = net::startServer(options, [service, localEndpoints](const net::ExchangePtr& exchange) {
      exchange->respond(renderHealth(service, *localEndpoints));
    });
    asked_.emplace(service, Asked{check->port, std::move(localEndpoints), std::move(server)});
  } catch (const std::system_error& error) {
    kLog.warn("health checks of Service {}: {}", service, error.what());
  }
}

}  // namespace wherry::proxy

#include "apiserver/health.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/strings.h"

namespace wherry::apiserver {
namespace {

constexpr std::array<std::string_view, 2> kChecks = {"ping", "store"};

net::Response text(std::string body) { return net::Response::text(200, "text/plain; charset=utf-8", std::move(body)); }

std::string verbose(std::string_view endpoint) {
  std::string body;
  for (auto check : kChecks) body.append("[+]").append(check).append(" ok\n");
  return body.append(endpoint).append(" check passed\n");
}

}  // namespace

std::optional<net::Response> healthAnswer(const RequestInfo& info) {
  auto parts = base::split(std::string_view(info.path).substr(1), '/');
  auto endpoint = parts[0];
  if (endpoint != "healthz" && endpoint != "livez" && endpoint != "readyz") return std::nullopt;
  bool oneCheck = parts.size() == 2 && std::find(kChecks.begin(), kChecks.end(), parts[1]) != kChecks.end();
  if (parts.size() > 1 && !oneCheck) return std::nullopt;
  return text(info.query.flag("verbose") && !oneCheck ? verbose(endpoint) : "ok");
}

}  // namespace wherry::apiserver

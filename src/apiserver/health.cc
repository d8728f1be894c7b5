#include "apiserver/health.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::apiserver {
namespace {

net::Response text(int status, std::string body) {
  auto response = net::Response::text(status, "text/plain; charset=utf-8", std::move(body));
  response.headers.add("X-Content-Type-Options", "nosniff");
  return response;
}

net::Response answerPart(const HealthCheck& check) {
  std::string failure = check.failure();
  if (failure.empty()) return text(200, "ok");
  return text(500, fmt::format("internal server error: {}\n", failure));
}

std::set<std::string, std::less<>> excludedBy(const Query& query) {
  std::set<std::string, std::less<>> names;
  for (const auto& [key, value] : query.parameters()) {
    if (key != "exclude") continue;
    for (auto name : base::split(value, ',')) names.emplace(name);
  }
  return names;
}

net::Response answerAll(std::string_view endpoint, const RequestInfo& info,
                        const std::vector<const HealthCheck*>& checks) {
  auto excluded = excludedBy(info.query);
  std::string lines;
  bool failed = false;
  for (const HealthCheck* check : checks) {
    if (excluded.erase(std::string(check->name)) != 0) {
      lines += fmt::format("[+]{} excluded: ok\n", check->name);
      continue;
    }
    if (std::string failure = check->failure(); !failure.empty()) {
      lines += fmt::format("[-]{} failed: {}\n", check->name, failure);
      failed = true;
    } else {
      lines += fmt::format("[+]{} ok\n", check->name);
    }
  }
  if (!excluded.empty()) {
    std::vector<std::string> quoted;
    for (const auto& name : excluded) quoted.push_back("\"" + name + "\"");
    lines += fmt::format("warn: some health checks cannot be excluded: no matches for {}\n", fmt::join(quoted, ","));
  }
  if (failed) return text(500, fmt::format("{}{} check failed\n", lines, endpoint));
  if (!info.query.flag("verbose")) return text(200, "ok");
  return text(200, fmt::format("{}{} check passed\n", lines, endpoint));
}

}  // namespace

std::optional<net::Response> healthAnswer(const RequestInfo& info, std::span<const HealthCheck> checks) {
  auto path = std::string_view(info.path).substr(1);
  auto endpoint = path.substr(0, path.find('/'));
  if (endpoint != "healthz" && endpoint != "livez" && endpoint != "readyz") return std::nullopt;
  std::vector<const HealthCheck*> ours;
  auto others = endpoint == "readyz" ? HealthCheck::Of::kLive : HealthCheck::Of::kReady;
  for (const HealthCheck& check : checks) {
    if (check.of != others) ours.push_back(&check);
  }
  auto part = path.substr(std::min(endpoint.size() + 1, path.size()));
  if (part.empty()) return answerAll(endpoint, info, ours);
  auto one = std::find_if(ours.begin(), ours.end(), [&](const HealthCheck* check) { return check->name == part; });
  return one == ours.end() ? std::nullopt : std::optional(answerPart(**one));
}

}  // namespace wherry::apiserver

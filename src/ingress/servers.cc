#include "ingress/servers.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace wherry::ingress {
namespace {

constexpr double kMaxWeight = 256;  // HAProxy's
constexpr size_t kSpare = 2;

bool isSame(const std::optional<Server>& place, const Endpoint& endpoint) {
  return place && place->endpoint == endpoint;
}

}  // namespace

std::vector<Server> wantedServers(const Backend& backend, const Endpoints& endpoints) {
  std::map<Endpoint, double> weights;
  for (const Share& share : backend.shares) {
    auto found = endpoints.find(share.target);
    if (share.weight == 0 || found == endpoints.end()) continue;
    for (const Endpoint& endpoint : found->second) {
      weights[endpoint] += static_cast<double>(share.weight) / static_cast<double>(found->second.size());
    }
  }
  double most = 0;
  for (const auto& [endpoint, weight] : weights) most = std::max(most, weight);
  bool isEven = std::all_of(weights.begin(), weights.end(), [&](const auto& each) { return each.second == most; });
  std::vector<Server> servers;
  for (const auto& [endpoint, weight] : weights) {
    double scaled = isEven ? 1 : std::max(1.0, std::round(weight / most * kMaxWeight));
    if (servers.size() < kMaxServers) servers.push_back({endpoint, static_cast<unsigned>(scaled)});
  }
  return servers;
}

Servers placeServers(Servers before, const std::vector<Server>& wanted) {
  std::map<Endpoint, unsigned> missing;
  for (const Server& server : wanted) missing.emplace(server.endpoint, server.weight);
  std::vector<size_t> left, empty;
  for (size_t i = 0; i < before.size(); ++i) {
    if (!before[i]) {
      empty.push_back(i);
    } else if (auto stays = missing.extract(before[i]->endpoint)) {
      before[i]->weight = stays.mapped();
    } else {
      left.push_back(i);
      before[i].reset();
    }
  }
  // One that was empty before is taken first: on the others requests may still be under way.
  empty.insert(empty.end(), left.begin(), left.end());
  if (missing.size() > empty.size()) {
    for (size_t i = before.size(); i < wanted.size() + std::max(kSpare, wanted.size() / 2); ++i) empty.push_back(i);
    before.resize(wanted.size() + std::max(kSpare, wanted.size() / 2));
  }
  auto place = empty.begin();
  for (const auto& [endpoint, weight] : missing) before[*place++] = Server{endpoint, weight};
  return before;
}

std::vector<std::string> serverCommands(const std::string& backend, const Servers& before, const Servers& after) {
  std::vector<std::string> first, leave, come;  // those that come where nobody was come first: one is there at any time
  for (size_t i = 0; i < after.size() && i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    std::string server = fmt::format("{}/s{}", backend, i + 1);
    bool isSameEndpoint = after[i] && isSame(before[i], after[i]->endpoint);
    if (before[i] && !isSameEndpoint) leave.push_back(fmt::format("set server {} state maint", server));
    if (!after[i]) continue;
    const Endpoint& endpoint = after[i]->endpoint;
    std::vector<std::string>& commands = before[i] ? come : first;
    if (!isSameEndpoint) {
      commands.push_back(fmt::format("set server {} addr {} port {}", server, endpoint.address, endpoint.port));
    }
    commands.push_back(fmt::format("set server {} weight {}", server, after[i]->weight));
    if (!isSameEndpoint) commands.push_back(fmt::format("set server {} state ready", server));
  }
  first.insert(first.end(), leave.begin(), leave.end());
  first.insert(first.end(), come.begin(), come.end());
  return first;
}

std::map<std::string, std::string> podKeys(const std::string& backend, const Servers& servers) {
  std::map<std::string, std::string> keys;
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!servers[i] || servers[i]->endpoint.hostname.empty()) continue;
    const std::string& name = servers[i]->endpoint.hostname;
    std::string place = fmt::format("s{}", i + 1);
    keys.emplace(fmt::format("{}/{}", backend, name), place);
    auto dash = name.rfind('-');
    if (dash != std::string::npos) keys.emplace(fmt::format("{}/{}", backend, name.substr(dash + 1)), place);
  }
  return keys;
}

}  // namespace wherry::ingress

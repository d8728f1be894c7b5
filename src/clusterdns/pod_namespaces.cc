#include "clusterdns/pod_namespaces.h"

#include <algorithm>
#include <vector>

#include "base/ip.h"
#include "json/value.h"

namespace wherry::clusterdns {
namespace {

// What the pod is reached at, unless it has ended: then the address may soon be another's.
std::vector<std::string> addressesOf(const meta::ObjectPtr& pod) {
  std::vector<std::string> out;
  if (!pod || json::getBool(pod->tree(), "spec.hostNetwork")) return out;
  std::string_view phase = json::getString(pod->tree(), "status.phase");
  const json::Value* ips = json::find(pod->tree(), "status.podIPs");
  if (phase == "Succeeded" || phase == "Failed" || !ips || !ips->is_array()) return out;
  for (const json::Value& each : ips->get_array()) {
    if (auto address = base::parseIp(json::getString(each, "ip"))) out.push_back(*address);
  }
  return out;
}

}  // namespace

void PodNamespaces::podChanged(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
  std::vector<std::string> had = addressesOf(before), has = addressesOf(after);
  if (had == has) return;
  const meta::Object& pod = after ? *after : *before;
  Pod entry{std::string(pod.metadata().ns()), std::string(pod.metadata().name())};
  for (const std::string& address : had) {
    if (std::find(has.begin(), has.end(), address) != has.end()) continue;
    shardOf(address).write([&](ByAddress& pods) {
      auto at = pods.find(address);
      if (at != pods.end() && at->second == entry) pods.erase(at);
    });
  }
  for (const std::string& address : has) shardOf(address).write([&](ByAddress& pods) { pods[address] = entry; });
}

std::optional<std::string> PodNamespaces::find(std::string_view address) const {
  return shardOf(address).read([&](const ByAddress& pods) -> std::optional<std::string> {
    auto at = pods.find(address);
    return at == pods.end() ? std::nullopt : std::optional(at->second.ns);
  });
}

}  // namespace wherry::clusterdns

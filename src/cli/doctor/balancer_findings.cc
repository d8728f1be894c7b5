#include <fmt/format.h>

#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

// The last word of the controller that gives out addresses.
std::vector<std::string> lastWarning(const ServiceFacts& facts) {
  const core_v1::Event* last = nullptr;
  for (const auto& event : facts.events) {
    bool about = event.involvedObject().uid() == facts.service.metadata().uid() && event.type() == "Warning";
    if (about && (!last || event.lastTimestamp() >= last->lastTimestamp())) last = &event;
  }
  if (!last) return {};
  return {fmt::format("{}: {}", last->reason(), last->message())};
}

std::vector<std::string> refusedPorts(const core_v1::LoadBalancerIngress& ingress) {
  std::vector<std::string> refused;
  for (auto port : ingress.ports()) {
    if (port.error().empty()) continue;
    refused.push_back(fmt::format("{}/{} ({})", port.port(), protocolOf(port.protocol()), port.error()));
  }
  return refused;
}

}  // namespace

void addBalancerFindings(const ServiceFacts& facts, Findings& findings) {
  if (typeOf(facts.service) != "LoadBalancer") return;
  auto add = [&](Level level, std::string text, std::vector<std::string> why) {
    findings.push_back({"load balancer", level, std::move(text), std::move(why)});
  };
  std::vector<std::string> addresses;
  for (auto ingress : facts.service.status().loadBalancer().ingress()) {
    std::string address(ingress.ip().empty() ? ingress.hostname() : ingress.ip());
    addresses.push_back(address);
    if (auto refused = refusedPorts(ingress); !refused.empty()) {
      add(Level::kFail, fmt::format("the load balancer's address {} has not got port {}", address, listed(refused)),
          lastWarning(facts));
    }
  }
  if (!addresses.empty()) return add(Level::kOk, listed(addresses), {});
  auto why = lastWarning(facts);
  std::string_view other = facts.service.spec().loadBalancerClass();
  if (!other.empty()) why.push_back(fmt::format("loadBalancerClass {} is another controller's", other));
  add(Level::kFail, "its load balancer has no address yet (pending)", std::move(why));
}

}  // namespace wherry::cli

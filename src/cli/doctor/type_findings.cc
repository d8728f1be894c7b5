#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"
#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

constexpr int64_t kDefaultAffinitySeconds = 10800;

std::string addressText(const core_v1::Service& service) {
  if (isExternalName(service)) return fmt::format("ExternalName {}", service.spec().externalName());
  if (isHeadless(service)) return fmt::format("{} without a cluster IP (headless)", typeOf(service));
  return fmt::format("{} {}", typeOf(service), base::join(clusterIps(service), ", "));
}

std::string portsText(const core_v1::Service& service) {
  std::vector<std::string> ports;
  for (auto port : service.spec().ports()) {
    ports.push_back(fmt::format("port {} to targetPort {}", portText(port), targetText(port)));
  }
  return listed(ports);
}

// What is wrong with it by itself; "" when nothing is.
std::string flawOf(const core_v1::Service& service) {
  auto spec = service.spec();
  if (isExternalName(service)) {
    std::string_view name = spec.externalName();
    if (name.empty()) return "it is of type ExternalName and names nothing";
    if (base::parseIp(name)) return fmt::format("its externalName {} is an address, not a name", name);
    return "";
  }
  if (clusterIps(service).empty() && !isHeadless(service)) return "it has no cluster IP";
  if (spec.ports().empty() && !isHeadless(service)) return "it has no ports";
  return "";
}

std::vector<std::string> detailsOf(const core_v1::Service& service) {
  std::vector<std::string> facts;
  auto spec = service.spec();
  for (auto port : spec.ports()) {
    if (port.nodePort() != 0) facts.push_back(fmt::format("node port {} for {}", port.nodePort(), portText(port)));
  }
  for (std::string_view ip : spec.externalIPs()) facts.push_back(fmt::format("external IP {}", ip));
  if (spec.sessionAffinity() == "ClientIP") {
    int64_t seconds = spec.sessionAffinityConfig().clientIP().timeoutSecondsOr(kDefaultAffinitySeconds);
    facts.push_back(fmt::format("session affinity ClientIP: a client keeps to its endpoint for {} s", seconds));
  }
  if (spec.publishNotReadyAddresses()) facts.emplace_back("publishNotReadyAddresses: pods need not be ready");
  if (service.metadata().deleting()) facts.emplace_back("it is being deleted");
  if (isExternalName(service) && !spec.ports().empty()) {
    facts.emplace_back("ports and selector of an ExternalName Service mean nothing: it is an alias in DNS alone");
  }
  return facts;
}

}  // namespace

void addTypeFindings(const ServiceFacts& facts, Findings& findings) {
  std::string flaw = flawOf(facts.service);
  std::string ports = isExternalName(facts.service) ? "" : portsText(facts.service);
  std::string text = addressText(facts.service) + (ports.empty() ? "" : "; " + ports);
  findings.push_back(
      {"Service", flaw.empty() ? Level::kOk : Level::kFail, flaw.empty() ? text : flaw, detailsOf(facts.service)});
}

}  // namespace wherry::cli

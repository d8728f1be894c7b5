// Pods, namespaces and policies as a user writes them, for tests.
#pragma once

#include <map>
#include <string>

#include <fmt/format.h>

#include "base/strings.h"
#include "json/yaml.h"
#include "linux/nft/tracer.h"
#include "policy/isolation.h"

namespace wherry::policy {

inline base::IpAddress ip(std::string_view text) { return *base::IpAddress::parse(text); }

inline meta::ObjectPtr object(const std::string& yaml) {
  return std::make_shared<const meta::Object>(json::parseYaml(yaml));
}
inline std::string metadataOf(const std::string& key, const std::string& labels) {
  auto parts = base::split(key, '/');
  return fmt::format("metadata: {{namespace: {}, name: {}, labels: {}}}", parts[0], parts[1], labels);
}

// What a packet says: who sends it to whom, after the translation of Services.
struct Sent {
  const char* from;
  const char* to;
  uint16_t port = 0;
  uint8_t protocol = 6;
  bool byNode = false;
};
inline linux::nft::Packet packetOf(const Sent& sent) {
  return {.source = ip(sent.from),
          .destination = ip(sent.to),
          .protocol = sent.protocol,
          .destinationPort = sent.port,
          .inputInterface = sent.byNode ? "" : "wh0"};
}

// A node with the pods 10.244.0.0/24 and fd00:10:244::/64.
class TestCluster {
 public:
  // "": it is gone. As spec is.
  void policy(const std::string& key, const std::string& spec) {
    std::optional<NetworkPolicy> policy;
    if (!spec.empty()) policy = readNetworkPolicy(*object("{" + metadataOf(key, "{}") + ", spec: " + spec + "}"));
    each([&](Isolation& isolation) { isolation.setPolicy(key, policy); });
  }
  // One that is being deleted.
  void endingPod(const std::string& key, const std::string& labels, const std::string& addresses) {
    pod(key, labels + ", deletionTimestamp: now", addresses);
  }
  // `addresses`: separated by commas; "": the pod is gone. `ports`: of its container.
  void pod(const std::string& key, const std::string& labels, const std::string& addresses,
           const std::string& ports = "", const std::string& phase = "Running") {
    std::optional<PodFacts> pod;
    if (!addresses.empty()) {
      std::string ips;
      for (std::string_view each : base::split(addresses, ',')) {
        ips += fmt::format("{}{{ip: \"{}\"}}", ips.empty() ? "" : ", ", base::trim(each));
      }
      pod =
          readPod(object(fmt::format("{{{}, spec: {{containers: [{{name: c, ports: [{}]}}]}}, status: {{phase: {}, "
                                     "podIPs: [{}]}}}}",
                                     metadataOf(key, labels), ports, phase, ips)));
    }
    each([&](Isolation& isolation) { isolation.setPod(key, pod); });
  }
  // `labels`: "": it is gone.
  void ns(const std::string& name, const std::string& labels) {
    json::Value parsed = labels.empty() ? json::Value() : json::parseYaml(labels);
    each([&](Isolation& isolation) { isolation.setNamespace(name, parsed.if_object()); });
  }

  const Content& content(base::IpFamily family = base::IpFamily::kIPv4) const { return of(family).isolation.content(); }
  base::IpPrefix ownPods(base::IpFamily family = base::IpFamily::kIPv4) const { return of(family).ownPods; }
  // What the last change changed.
  const ContentChange& change(base::IpFamily family = base::IpFamily::kIPv4) const { return of(family).change; }

 private:
  struct OfFamily {
    explicit OfFamily(const char* range)
        : ownPods(*base::IpPrefix::parse(range)), isolation(ownPods.family(), ownPods) {}
    base::IpPrefix ownPods;
    Isolation isolation;
    ContentChange change;
  };
  const OfFamily& of(base::IpFamily family) const { return family == base::IpFamily::kIPv4 ? ipv4_ : ipv6_; }
  template <typename F>
  void each(F f) {
    for (OfFamily* of : {&ipv4_, &ipv6_}) {
      f(of->isolation);
      of->change = of->isolation.settle();
    }
  }

  OfFamily ipv4_{"10.244.0.0/24"}, ipv6_{"fd00:10:244::/64"};
};

}  // namespace wherry::policy

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "cli/doctor/findings.h"
#include "cli/doctor/network_policies.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

constexpr const char* kAbout = "network policy";
constexpr const char* kNode = "the node reaches its pods nevertheless, and so do Ingresses";

// "NetworkPolicy default/a", "NetworkPolicies default/a, default/b"
std::string namesOf(const std::vector<NetworkPolicy>& policies) {
  std::vector<std::string> names;
  for (const NetworkPolicy& policy : policies) names.push_back(policy.key().text());
  return (names.size() == 1 ? "NetworkPolicy " : "NetworkPolicies ") + listed(names);
}

// "NetworkPolicy default/a allows", "NetworkPolicies default/a, default/b allow"
std::string saying(const std::string& policies, const char* one, const char* several) {
  return policies + " " + (policies.starts_with("NetworkPolicies") ? several : one);
}

bool anyAllows(const std::vector<NetworkPolicy>& policies, PolicyDirection direction, const PolicyPort& port,
               const PolicyPeer* peer) {
  return std::any_of(policies.begin(), policies.end(),
                     [&](const NetworkPolicy& policy) { return allows(policy, direction, port, peer); });
}

class IsolationCheck {
 public:
  IsolationCheck(const ServiceFacts& facts, Findings& findings) : facts_(facts), findings_(findings) {}

  void add() {
    if (facts_.from && facts_.from->spec().hostNetwork()) {
      findings_.push_back(
          {kAbout, Level::kOk, fmt::format("pod {} is on the node's network: no policy is for it", clientName())});
      return;
    }
    for (const EndpointFact& endpoint : usableEndpoints(facts_)) {
      for (const core_v1::Pod& pod : facts_.pods) {
        if (pod.metadata().name() == endpoint.pod && !pod.spec().hostNetwork()) addPod(pod, endpoint);
      }
    }
    report();
  }

 private:
  void addPod(const core_v1::Pod& pod, const EndpointFact& endpoint) {
    for (auto port : facts_.service.spec().ports()) {
      auto number = targetNumber(endpoint.slice, port);
      if (!number) continue;
      PolicyPort at{protocolOf(port.protocol()), *number, pod};
      if (facts_.from) {
        judgeClient(at);
      } else {
        judgeAnybody(at);
      }
    }
  }

  // Whether anybody may connect; whoever that is.
  void judgeAnybody(const PolicyPort& at) {
    auto policies = isolating(facts_.networkPolicies, at.of, PolicyDirection::kIngress);
    if (policies.empty()) return;
    const bool isOpen = anyAllows(policies, PolicyDirection::kIngress, at, nullptr);
    auto& pods = (isOpen ? limited_ : closed_)[{namesOf(policies), portOf(at)}];
    pods.emplace_back(at.of.metadata().name());
  }

  void judgeClient(const PolicyPort& at) {
    if (facts_.from->key() == at.of.key()) return;  // a pod always reaches itself
    auto out = isolating(facts_.networkPolicies, *facts_.from, PolicyDirection::kEgress);
    auto in = isolating(facts_.networkPolicies, at.of, PolicyDirection::kIngress);
    const PolicyPeer server = peer(at.of), client = peer(*facts_.from);
    const bool mayLeave = out.empty() || anyAllows(out, PolicyDirection::kEgress, at, &server);
    const bool mayCome = in.empty() || anyAllows(in, PolicyDirection::kIngress, at, &client);
    auto& pods = mayLeave && mayCome ? allowed_ : cut_[{namesOf(mayLeave ? in : out), portOf(at)}];
    pods.emplace_back(at.of.metadata().name());
  }

  void report() {
    for (const auto& [what, pods] : cut_) {
      findings_.push_back(
          {kAbout,
           Level::kFail,
           fmt::format("{} pod {} to connect to port {} of {}", saying(what.policies, "does not allow", "do not allow"),
                       clientName(), what.port, podsText(pods)),
           {kNode}});
    }
    for (const auto& [what, pods] : closed_) {
      findings_.push_back({kAbout,
                           Level::kNote,
                           fmt::format("{} no pod to connect to port {} of {}",
                                       saying(what.policies, "allows", "allow"), what.port, podsText(pods)),
                           {kNode}});
    }
    for (const auto& [what, pods] : limited_) {
      findings_.push_back({kAbout,
                           Level::kNote,
                           fmt::format("{} who may connect to port {} of {}", saying(what.policies, "limits", "limit"),
                                       what.port, podsText(pods)),
                           {"--from POD tells whether that one may"}});
    }
    if (!allowed_.empty() && cut_.empty()) {
      findings_.push_back(
          {kAbout, Level::kOk, fmt::format("pod {} may connect to {}", clientName(), podsText(allowed_))});
    }
  }

  PolicyPeer peer(const core_v1::Pod& pod) const {
    auto labels = facts_.namespaceLabels.find(pod.metadata().ns());
    return {pod, labels == facts_.namespaceLabels.end() ? json::Object() : labels->second};
  }
  std::string clientName() const { return facts_.from->key().text(); }
  static std::string portOf(const PolicyPort& at) { return fmt::format("{}/{}", at.number, at.protocol); }
  static std::string podsText(std::vector<std::string> pods) {
    std::sort(pods.begin(), pods.end());
    pods.erase(std::unique(pods.begin(), pods.end()), pods.end());
    return (pods.size() == 1 ? "pod " : "pods ") + listed(pods);
  }

  // Which policies say it, and of which port.
  struct Verdict {
    std::string policies;
    std::string port;
    auto operator<=>(const Verdict&) const = default;
  };
  using PodsByVerdict = std::map<Verdict, std::vector<std::string>>;

  const ServiceFacts& facts_;
  Findings& findings_;
  PodsByVerdict closed_, limited_, cut_;
  std::vector<std::string> allowed_;
};

}  // namespace

void addIsolationFindings(const ServiceFacts& facts, Findings& findings) {
  if (!isExternalName(facts.service)) IsolationCheck(facts, findings).add();
}

}  // namespace wherry::cli

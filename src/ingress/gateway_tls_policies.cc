#include "ingress/gateway_tls_policies.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

using json::getString;

constexpr std::string_view kAuthorities = "ca.crt";

bool comesFirst(const TlsPolicy& a, const TlsPolicy& b) {
  const auto left = a.object.metadata(), right = b.object.metadata();
  return std::tuple(left.creationTimestamp(), left.ns(), left.name()) <
         std::tuple(right.creationTimestamp(), right.ns(), right.name());
}

// Targets that aren't Services are others' business.
std::vector<ServicePort> targetsOf(const TlsPolicy& policy) {
  std::vector<ServicePort> targets;
  for (const json::Value& each : policy.object.spec().targetRefs()) {
    if (!getString(each, "group").empty() || getString(each, "kind") != "Service") continue;
    targets.push_back({std::string(policy.object.metadata().ns()), std::string(getString(each, "name")),
                       std::string(getString(each, "sectionName"))});
  }
  return targets;
}

meta::ObjectKey serviceOf(const ServicePort& target) { return {target.nameSpace, target.service}; }

// One policy on its way.
class Reader {
 public:
  Reader(TlsPolicy& policy, const Sources& sources)
      : policy_(policy), validation_(policy.object.spec().validation()), sources_(sources) {}

  void read() {
    policy_.tls.serverName = validation_.hostname();
    readAuthorities();
    readNames();
    if (!policy_.object.spec().options().empty()) refuse("Invalid", "options: no option is known");
  }

 private:
  void refuse(std::string reason, std::string message) {
    if (!policy_.refused) policy_.refused = {std::move(reason), std::move(message)};
  }
  void fail(std::string reason, std::string message) {
    if (!policy_.unresolved) policy_.unresolved = {std::move(reason), std::move(message)};
  }

  void readAuthorities() {
    const std::string_view known = validation_.wellKnownCACertificates();
    policy_.tls.systemAuthorities = known == "System";
    if (!known.empty() && known != "System") {
      refuse("Invalid", fmt::format("wellKnownCACertificates: {} isn't known, only System is", known));
    }
    if (!known.empty()) return;
    for (const auto reference : validation_.caCertificateRefs()) policy_.tls.caPem += authoritiesOf(reference);
    if (policy_.tls.caPem.empty()) {
      refuse("NoValidCACertificate", policy_.unresolved ? policy_.unresolved->message : "caCertificateRefs is empty");
    }
  }

  // "" when there are none: that is said then.
  std::string authoritiesOf(const gateway_v1::LocalObjectReference& reference) {
    const std::string_view kind = reference.kind();
    const std::string name = fmt::format("{} \"{}\"", kind, reference.name());
    if (!reference.group().empty() || (kind != "ConfigMap" && kind != "Secret")) {
      fail("InvalidKind", name + ": only ConfigMaps and Secrets can have authorities");
      return "";
    }
    const auto pem = kind == "Secret" ? secretText(reference.name()) : mapText(reference.name());
    if (!pem) {
      fail("InvalidCACertificateRef", fmt::format("{} not found, or without {}", name, kAuthorities));
      return "";
    }
    const auto read = sources_.authorities(*pem);
    if (!read->fault.empty()) {
      fail("InvalidCACertificateRef", fmt::format("{}: {}: {}", name, kAuthorities, read->fault));
    }
    return read->pem;
  }

  std::optional<std::string> mapText(std::string_view name) const {
    const core_v1::ConfigMap map(sources_.configMap(policy_.object.metadata().ns(), name));
    if (!map || !map.data().has(kAuthorities)) return std::nullopt;
    return std::string(map.data().get(kAuthorities));
  }

  std::optional<std::string> secretText(std::string_view name) const {
    const core_v1::Secret secret(sources_.secret(policy_.object.metadata().ns(), name));
    if (!secret || !secret.data().has(kAuthorities)) return std::nullopt;
    return base::decodeBase64(secret.data().get(kAuthorities)).value_or("");
  }

  // HAProxy compares a certificate with the name that it has asked for.
  void readNames() {
    const json::Array& names = validation_.subjectAltNames();
    const bool isOther = std::ranges::any_of(
        names, [&](const json::Value& each) { return getString(each, "hostname") != validation_.hostname(); });
    if (isOther) refuse("Invalid", "subjectAltNames: a certificate can be checked for the hostname alone");
  }

  TlsPolicy& policy_;
  const gateway_v1::BackendTLSPolicyValidation validation_;
  const Sources& sources_;
};

bool hasPort(const core_v1::Service& service, std::string_view name) {
  for (const auto port : service.spec().ports()) {
    if (port.name() == name) return true;
  }
  return false;
}

}  // namespace

TlsPolicies::TlsPolicies(const std::vector<gateway_v1::BackendTLSPolicy>& policies, const Sources& sources)
    : sources_(sources) {
  for (const auto& each : policies) policies_.push_back({each, {}, {}, {}});
  std::ranges::sort(policies_, comesFirst);
  for (TlsPolicy& each : policies_) {
    Reader(each, sources).read();
    for (ServicePort& target : targetsOf(each)) holders_.try_emplace(std::move(target), &each);
  }
}

const TlsPolicy* TlsPolicies::find(const ServicePort& port) const {
  auto at = holders_.find(port);
  if (at == holders_.end()) at = holders_.find({port.nameSpace, port.service, ""});
  return at == holders_.end() ? nullptr : at->second;
}

bool TlsPolicies::concerns(const TlsPolicy& policy, const std::set<meta::ObjectKey>& services) {
  return std::ranges::any_of(targetsOf(policy), [&](const auto& each) { return services.contains(serviceOf(each)); });
}

std::optional<Finding> TlsPolicies::against(const TlsPolicy& policy, const ServicePort& target) const {
  const TlsPolicy* holder = holders_.at(target);
  const std::string what = fmt::format("Service \"{}\"", target.service);
  if (holder != &policy) {
    return Finding{"Conflicted", fmt::format("{} has an older policy: \"{}\"", what, holder->object.metadata().name())};
  }
  const core_v1::Service service(sources_.service(target.nameSpace, target.service));
  if (!service) return Finding{"TargetNotFound", what + " not found"};
  if (target.port.empty() || hasPort(service, target.port)) return std::nullopt;
  return Finding{"TargetNotFound", fmt::format("{} has no port of the name {}", what, target.port)};
}

std::optional<Finding> TlsPolicies::refusalOf(const TlsPolicy& policy,
                                              const std::set<meta::ObjectKey>& services) const {
  if (policy.refused) return policy.refused;
  for (const ServicePort& target : targetsOf(policy)) {
    if (!services.contains(serviceOf(target))) continue;
    if (auto why = against(policy, target)) return why;
  }
  return std::nullopt;
}

}  // namespace wherry::ingress

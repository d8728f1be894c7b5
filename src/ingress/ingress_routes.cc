#include "ingress/ingress_routes.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "ingress/ingress_annotations.h"
#include "ingress/ingress_certificates.h"
#include "ingress/ingress_classes.h"
#include "ingress/ingress_rules.h"

namespace wherry::ingress {
namespace {

using networking_v1::Ingress;

// Whoever makes certificates out of what is answered there (RFC 8555 section 8.3) is asked without TLS.
constexpr std::string_view kChallenges = "/.well-known/acme-challenge";

Origin originOf(const Ingress& ingress) {
  return {"Ingress", std::string(ingress.metadata().ns()), std::string(ingress.metadata().name())};
}

bool isOlder(const Ingress& a, const Ingress& b) {
  const auto order = [](const Ingress& each) {
    const auto metadata = each.metadata();
    return std::tuple(metadata.creationTimestamp(), metadata.ns(), metadata.name());
  };
  return order(a) < order(b);
}

// In the order of age; deque: rules point at them.
std::deque<OwnIngress> ownIngresses(const IngressObjects& objects, const Sources& sources, Contribution& result) {
  std::vector<Ingress> sorted = objects.ingresses;
  std::sort(sorted.begin(), sorted.end(), isOlder);
  std::deque<OwnIngress> own;
  for (const Ingress& ingress : sorted) {
    const Claim claim = claimOn(ingress, objects.classes);
    if (claim == Claim::kNobodys) {
      result.complaints.push_back({originOf(ingress), "IngressClassNotFound",
                                   fmt::format("IngressClass \"{}\" not found", classNameOf(ingress))});
    }
    if (claim != Claim::kOurs) continue;
    result.ours.insert(ingress.key());
    own.push_back({ingress, originOf(ingress), readAnnotations(ingress, sources, result.secrets)});
    auto& complaints = own.back().settings.complaints;
    result.complaints.insert(result.complaints.end(), complaints.begin(), complaints.end());
  }
  return own;
}

// -- out of rules, routes -------------------------------------------------------------------------------------------

class RouteWriter {
 public:
  RouteWriter(const IngressObjects& objects, const IngressCertificates& certificates, Model& model)
      : certificates_(certificates), http_(model.ports[objects.httpPort]), https_(model.ports[objects.httpsPort]) {
    http_.number = objects.httpPort;
    https_ = {.number = objects.httpsPort, .tls = true};
  }

  void write(const IngressRule& rule) {
    if (rule.owner->settings.sslPassthrough && !rule.host.empty()) {
      passThrough(rule);
    } else {
      writeParts(https_, rule);
    }
    if (!belongsToHttps(rule)) return writeParts(http_, rule);
    Backend redirect;
    redirect.redirect =
        Redirect{.scheme = "https", .port = https_.number == 443 ? uint16_t{0} : https_.number, .status = 308};
    http_.routes.push_back(route(rule, {}, std::move(redirect)));
  }

 private:
  static Route route(const IngressRule& rule, Conditions conditions, Backend to) {
    return {rule.owner->origin, {.name = rule.host}, rule.match, std::move(conditions), std::move(to)};
  }

  static void writeParts(Port& port, const IngressRule& rule) {
    for (const auto& [conditions, to] : rule.canaries) port.routes.push_back(route(rule, conditions, to));
    port.routes.push_back(route(rule, {}, rule.to));
  }

  bool belongsToHttps(const IngressRule& rule) const {
    const auto& settings = rule.owner->settings;
    if (settings.closed || rule.path.starts_with(kChallenges)) return false;
    return settings.forceSslRedirect || (settings.sslRedirect && certificates_.hasTls(rule.host));
  }

  // A host of its own; the path "/" says where it leads, or the first that there is.
  void passThrough(const IngressRule& rule) {
    const auto [at, isNew] = passed_.try_emplace(rule.host, https_.passthroughs.size());
    Backend to = rule.to;
    to.protocol = Protocol::kTcp;
    to.tls.reset();
    if (isNew) {
      https_.passthroughs.push_back({rule.owner->origin, {.name = rule.host}, std::move(to)});
    } else if (rule.match.text == "/") {
      https_.passthroughs[at->second].to = std::move(to);
    }
  }

  const IngressCertificates& certificates_;
  Port& http_;
  Port& https_;
  std::map<std::string, size_t> passed_;
};

void dropRepeated(std::vector<Complaint>& complaints) {
  std::set<Complaint> seen;
  std::erase_if(complaints, [&](const Complaint& each) { return !seen.insert(each).second; });
}

}  // namespace

Contribution routeIngresses(const IngressObjects& objects, const Sources& sources) {
  Contribution result;
  const auto own = ownIngresses(objects, sources, result);
  if (own.empty()) return result;
  IngressCertificates certificates(sources, result.secrets);
  IngressRules rules(sources, result.complaints);
  for (const OwnIngress& each : own) {
    certificates.add(each.ingress, result.complaints);
    rules.add(each);
  }
  for (const OwnIngress& each : own) rules.addOtherNames(each);
  for (const OwnIngress& each : own) rules.addCanary(each);
  RouteWriter writer(objects, certificates, result.model);
  for (const IngressRule& rule : rules.rules()) writer.write(rule);
  result.model.ports[objects.httpsPort].certificates = certificates.take();
  dropRepeated(result.complaints);
  return result;
}

}  // namespace wherry::ingress

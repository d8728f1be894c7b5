#include "ingress/ingress_certificates.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "ingress/annotation_values.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

using networking_v1::Ingress;
using networking_v1::IngressTLS;

std::string dataOf(const core_v1::Secret& secret, std::string_view key) {
  return base::decodeBase64(secret.data().get(key)).value_or("");
}

// Of an entry that names none: those of the rules; "" for every host.
std::vector<std::string> hostsOf(const Ingress& ingress, const IngressTLS& tls) {
  std::vector<std::string> hosts;
  for (std::string_view host : tls.hosts()) hosts.push_back(base::toLower(host));
  if (!hosts.empty()) return hosts;
  for (const auto rule : ingress.spec().rules()) hosts.push_back(base::toLower(rule.host()));
  if (hosts.empty()) hosts.emplace_back();
  return hosts;
}

}  // namespace

bool covers(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  const size_t dot = host.find('.');
  return pattern.starts_with("*.") && dot != std::string_view::npos && dot > 0 && pattern.substr(1) == host.substr(dot);
}

bool IngressCertificates::hasTls(std::string_view host) const {
  if (tlsHosts_.contains(host)) return true;
  const size_t dot = host.find('.');
  return dot != std::string_view::npos && tlsHosts_.contains("*" + std::string(host.substr(dot)));
}

// Null, with a complaint, when it can't be served.
const IngressCertificates::Known* IngressCertificates::load(const meta::ObjectKey& key, const Origin& about,
                                                            std::vector<Complaint>& complaints) {
  const std::string name = key.text();
  if (const auto at = known_.find(name); at != known_.end()) return &at->second;
  secrets_.insert(key);
  const core_v1::Secret secret(sources_.secret(key.ns, key.name));
  constexpr auto kInstead = "the front door's own certificate is served instead";
  if (!secret) {
    complaints.push_back(
        {about, "SecretNotFound", fmt::format("tls: Secret \"{}\" not found; {}", key.name, kInstead)});
    return nullptr;
  }
  const auto read = sources_.certificate(dataOf(secret, "tls.crt"), dataOf(secret, "tls.key"));
  if (!read->fault.empty()) {
    complaints.push_back(
        {about, "InvalidCertificate", fmt::format("tls: Secret \"{}\": {}; {}", key.name, read->fault, kInstead)});
    return nullptr;
  }
  Known known{certificates_.size(), read->names};
  if (known.names.empty()) known.names.push_back(read->commonName);
  certificates_.push_back({.name = name, .pem = read->pem});
  return &known_.emplace(name, std::move(known)).first->second;
}

void IngressCertificates::serve(const Known& known, const std::string& host, const Origin& about,
                                std::vector<Complaint>& complaints) {
  Certificate& certificate = certificates_[known.at];
  const auto [holder, isFirst] = holders_.try_emplace(host, Holder{about, certificate.name});
  if (!isFirst) {
    if (holder->second.secret == certificate.name) return;
    return complaints.push_back({about, "CertificateConflict",
                                 fmt::format("tls: host \"{}\" has the certificate of Ingress {}/{} already", host,
                                             holder->second.origin.nameSpace, holder->second.origin.name)});
  }
  certificate.hosts.push_back({.name = host});
  const bool named = host.empty() || std::any_of(known.names.begin(), known.names.end(),
                                                 [&](const std::string& name) { return covers(name, host); });
  if (named) return;
  complaints.push_back({about, "InvalidCertificate",
                        fmt::format("tls: the certificate of Secret \"{}\" is for {}, not for \"{}\"", certificate.name,
                                    printable(base::join(known.names, ", ")), host)});
}

void IngressCertificates::add(const Ingress& ingress, std::vector<Complaint>& complaints) {
  const Origin about{"Ingress", std::string(ingress.metadata().ns()), std::string(ingress.metadata().name())};
  for (const auto tls : ingress.spec().tls()) {
    const auto hosts = hostsOf(ingress, tls);
    tlsHosts_.insert(hosts.begin(), hosts.end());
    if (tls.secretName().empty()) continue;
    const Known* known = load({about.nameSpace, std::string(tls.secretName())}, about, complaints);
    if (!known) continue;
    for (const std::string& host : hosts) serve(*known, host, about, complaints);
  }
}

}  // namespace wherry::ingress

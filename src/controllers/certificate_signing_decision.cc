#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "controllers/certificate_signing.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using certificates_v1::CertificateSigningRequest;
using std::chrono::hours;

constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::string_view kNodeClient = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr std::chrono::seconds kLongest = hours{24 * 365};

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

// Whether `usages` are these, with or without the one that only RSA keys need.
bool areUsages(const std::vector<std::string>& usages, std::string_view role) {
  auto known = [&](const std::string& usage) {
    return usage == "digital signature" || usage == "key encipherment" || usage == role;
  };
  return has(usages, "digital signature") && has(usages, role) && std::ranges::all_of(usages, known);
}

std::string usagesMismatch(std::string_view first, std::string_view second, std::string_view third) {
  return fmt::format("usages did not match [{} {} {}]", first, second, third);
}

std::string faultOfUser(const pki::RequestFacts&, const std::vector<std::string>& usages) {
  for (const auto& usage : usages) {
    if (usage != "digital signature" && usage != "key encipherment" && usage != "client auth") {
      return "invalid usage for client certificate: " + usage;
    }
  }
  return has(usages, "client auth") ? "" : "missing required usage for client certificate: client auth";
}

std::string faultOfNodeName(const pki::RequestFacts& facts) {
  if (facts.organizations != std::vector<std::string>{"system:nodes"})
    return "subject organization is not system:nodes";
  if (!facts.commonName.starts_with(kNodePrefix)) return "subject common name does not begin with system:node: ";
  if (!facts.emails.empty()) return "email subjectAltNames are not allowed";
  if (!facts.uris.empty()) return "URI subjectAltNames are not allowed";
  return {};
}

std::string faultOfNodeClient(const pki::RequestFacts& facts, const std::vector<std::string>& usages) {
  if (!facts.dnsNames.empty()) return "DNS subjectAltNames are not allowed";
  if (!facts.addresses.empty()) return "IP subjectAltNames are not allowed";
  if (auto fault = faultOfNodeName(facts); !fault.empty()) return fault;
  return areUsages(usages, "client auth") ? "" : usagesMismatch("client auth", "digital signature", "key encipherment");
}

std::string faultOfNodeServer(const pki::RequestFacts& facts, const std::vector<std::string>& usages) {
  if (auto fault = faultOfNodeName(facts); !fault.empty()) return fault;
  if (facts.dnsNames.empty() && facts.addresses.empty()) return "DNS or IP subjectAltName is required";
  return areUsages(usages, "server auth") ? "" : usagesMismatch("digital signature", "key encipherment", "server auth");
}

struct Signer {
  std::string_view name;
  std::string (*findFault)(const pki::RequestFacts&, const std::vector<std::string>& usages);
};
constexpr std::array<Signer, 3> kSigners{{
    {"kubernetes.io/kube-apiserver-client", faultOfUser},
    {kNodeClient, faultOfNodeClient},
    {"kubernetes.io/kubelet-serving", faultOfNodeServer},
}};

// Kubernetes' words for a key's uses, and openssl's.
struct UsageName {
  std::string_view usage, openssl;
};
constexpr std::array<UsageName, 9> kKeyUsages{{{"digital signature", "digitalSignature"},
                                               {"content commitment", "nonRepudiation"},
                                               {"key encipherment", "keyEncipherment"},
                                               {"key agreement", "keyAgreement"},
                                               {"data encipherment", "dataEncipherment"},
                                               {"cert sign", "keyCertSign"},
                                               {"crl sign", "cRLSign"},
                                               {"encipher only", "encipherOnly"},
                                               {"decipher only", "decipherOnly"}}};
constexpr std::array<UsageName, 2> kExtendedUsages{{{"client auth", "clientAuth"}, {"server auth", "serverAuth"}}};

template <size_t N>
std::vector<std::string> translate(const std::array<UsageName, N>& names, const CertificateSigningRequest& request) {
  std::vector<std::string> found;
  for (const auto usage : request.spec().usages()) {
    const auto* name = std::ranges::find(names, usage, &UsageName::usage);
    if (name != names.end()) found.emplace_back(name->openssl);
  }
  return found;
}

}  // namespace

std::optional<std::string> findSigningFault(std::string_view signer, const pki::RequestFacts& facts,
                                            const std::vector<std::string>& usages) {
  const auto* found = std::ranges::find(kSigners, signer, &Signer::name);
  if (found == kSigners.end()) return std::nullopt;
  return found->findFault(facts, usages);
}

std::string_view decideAutoApproval(const CertificateSigningRequest& request, const pki::RequestFacts& facts) {
  std::vector<std::string> usages;
  for (const auto usage : request.spec().usages()) usages.emplace_back(usage);
  if (request.spec().signerName() != kNodeClient || !faultOfNodeClient(facts, usages).empty()) return {};
  return request.spec().username() == facts.commonName ? "selfnodeclient" : "nodeclient";
}

pki::IssueSpec decideIssue(const CertificateSigningRequest& request) {
  const std::chrono::seconds asked(request.spec().expirationSecondsOr(kLongest.count()));
  return {translate(kKeyUsages, request), translate(kExtendedUsages, request), std::min(asked, kLongest)};
}

base::WallTime decideRemoval(const CertificateSigningRequest& request) {
  const auto made = meta::parseTime(request.metadata().creationTimestamp()).value_or(base::WallTime{});
  const bool issued = !request.status().certificate().empty();
  for (const auto condition : request.status().conditions()) {
    const bool answered =
        condition.type() == "Denied" || condition.type() == "Failed" || (issued && condition.type() == "Approved");
    if (answered) return meta::parseTime(condition.lastUpdateTime()).value_or(made) + hours{1};
  }
  return made + hours{24};
}

}  // namespace wherry::controllers

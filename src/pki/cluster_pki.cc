#include "pki/cluster_pki.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/log.h"
#include "pki/key.h"

namespace wherry::pki {
namespace {

const base::Log kLog("pki");

constexpr std::chrono::hours kYear{24 * 365};
constexpr std::chrono::hours kAuthorityLifetime = 10 * kYear;
constexpr std::chrono::hours kLifetime = 5 * kYear;
// A server that is off for long finds certificates that are still good.
constexpr std::chrono::hours kRenewBefore = kYear;
// Copies of a kubeconfig hold the former ca.crt: they have this long to be fetched anew.
constexpr std::chrono::hours kRenewAuthorityBefore = 2 * kYear;

void writeSecret(const std::string& path, std::string_view content) {
  base::writeFileAtomic(path, content, 0600, base::Durability::kSynced);
}

// The key first: a certificate never stands without its key.
void writePair(const std::string& path, const KeyPair& pair) {
  writeSecret(path + ".key", pair.keyPem);
  writeSecret(path + ".crt", pair.certificatePem);
}

// The authority, valid now and not near its end: the same one if it is, else one with the same key and name.
KeyPair currentAuthority(const std::string& path, KeyPair pair, base::WallTime now) {
  CertificateFacts facts = readCertificate(pair.certificatePem);
  bool early = now < facts.notBefore;
  if (!early && now + kRenewAuthorityBefore <= facts.notAfter) return pair;
  kLog.info("renewing {}.crt with its own key: {}", path, early ? "it is not valid yet" : "it ends soon");
  pair = renewAuthority(pair, kAuthorityLifetime, now);
  writeSecret(path + ".crt", pair.certificatePem);
  return pair;
}

KeyPair loadAuthority(const std::string& path, base::WallTime now) {
  auto certificate = base::readFileIfExists(path + ".crt");
  if (!certificate) {
    KeyPair made = newAuthority("kubernetes", kAuthorityLifetime, now);
    writePair(path, made);
    return made;
  }
  KeyPair pair{std::move(*certificate), base::readFile(path + ".key")};
  try {
    if (belongTogether(pair)) return currentAuthority(path, std::move(pair), now);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("{}.crt, {}.key: {}; restore them from a copy", path, path, error.what()));
  }
  throw std::runtime_error(fmt::format("{}.key is not the key of {}.crt; restore them from a copy", path, path));
}

KeyPair loadPair(const std::string& path, const KeyPair& authority, const CertificateSpec& spec, base::WallTime now) {
  KeyPair pair{base::readFileIfExists(path + ".crt").value_or(""), base::readFileIfExists(path + ".key").value_or("")};
  std::string why = pair.certificatePem.empty() ? "there is none" : whyRenew(pair, authority.certificatePem, spec, now);
  if (why.empty()) return pair;
  kLog.info("issuing {}.crt: {}", path, why);
  pair = issueCertificate(authority, spec, now);
  writePair(path, pair);
  return pair;
}

std::string loadKey(const std::string& path) {
  if (auto key = base::readFileIfExists(path)) return std::move(*key);
  std::string made = newPrivateKey();
  writeSecret(path, made);
  return made;
}

// The files of keys that signed tokens before sa.key did, in the order of their names.
std::set<std::string> formerKeys(const std::string& directory) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with("sa-") && name.ends_with(".key")) files.insert(entry.path().string());
  }
  return files;
}

template <typename T>
std::set<T> asSet(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

std::string whyRenew(const KeyPair& pair, const std::string& authorityPem, const CertificateSpec& spec,
                     base::WallTime now) {
  try {
    if (!belongTogether(pair)) return "the key is of another certificate";
    if (auto fault = findFault(pair.certificatePem, authorityPem, spec.usage, now)) return *fault;
    CertificateFacts facts = readCertificate(pair.certificatePem);
    // One that ends with its authority can't be made longer.
    bool renewable = facts.notAfter < readCertificate(authorityPem).notAfter;
    if (renewable && now + kRenewBefore > facts.notAfter) return "it ends soon";
    if (facts.commonName != spec.commonName) return "it is for " + facts.commonName;
    if (asSet(facts.organizations) != asSet(spec.organizations)) return "its groups have changed";
    if (asSet(facts.names) != asSet(canonicalNames(spec.names))) return "its names have changed";
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

ClusterPki loadClusterPki(const ClusterPkiOptions& options, const base::Clock& clock) {
  base::WallTime now = clock.now();
  const std::string directory = options.directory + "/";
  base::makeDirectories(options.directory, 0700);
  CertificateSpec apiServer{Usage::kServer, "kube-apiserver", {}, options.serverNames, kLifetime};
  CertificateSpec admin{Usage::kClient, "kubernetes-admin", {"system:masters"}, {}, kLifetime};
  CertificateSpec kubelet{Usage::kClient, "system:node:" + options.nodeName, {"system:nodes"}, {}, kLifetime};

  ClusterPki pki;
  pki.authority = loadAuthority(directory + "ca", now);
  pki.apiServer = loadPair(directory + "apiserver", pki.authority, apiServer, now);
  pki.admin = loadPair(directory + "admin", pki.authority, admin, now);
  pki.kubelet = loadPair(directory + "kubelet", pki.authority, kubelet, now);
  pki.serviceAccountKeysPem = {loadKey(directory + "sa.key")};
  for (const std::string& file : formerKeys(options.directory)) pki.serviceAccountKeysPem.push_back(loadKey(file));
  return pki;
}

base::WallTime nextRenewal(const ClusterPki& pki) {
  base::WallTime authorityEnd = readCertificate(pki.authority.certificatePem).notAfter;
  base::WallTime next = authorityEnd - kRenewAuthorityBefore;
  for (const KeyPair* pair : {&pki.apiServer, &pki.admin, &pki.kubelet}) {
    base::WallTime end = readCertificate(pair->certificatePem).notAfter;
    // One that ends with its authority is made longer when the authority is.
    if (end < authorityEnd) next = std::min(next, end - kRenewBefore);
  }
  return next;
}

namespace {

// Inside of single quotes a single quote stands twice, and everything else for itself (YAML 1.2 section 7.3.2).
std::string singleQuoted(std::string_view text) {
  std::string out;
  for (char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out;
}

}  // namespace

std::string renderKubeconfig(const KubeconfigSpec& spec) {
  return fmt::format(R"(apiVersion: v1
kind: Config
clusters:
- name: {cluster}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: '{user}'
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {cluster}
  context:
    cluster: {cluster}
    user: '{user}'
current-context: {cluster}
)",
                     fmt::arg("cluster", spec.clusterName), fmt::arg("server", spec.server),
                     fmt::arg("ca", base::encodeBase64(spec.authorityPem)),
                     fmt::arg("user", singleQuoted(spec.userName)),
                     fmt::arg("certificate", base::encodeBase64(spec.credentials.certificatePem)),
                     fmt::arg("key", base::encodeBase64(spec.credentials.keyPem)));
}

void writeKubeconfig(const std::string& path, const KubeconfigSpec& spec) {
  std::string content = renderKubeconfig(spec);
  // A start writes nothing that is there: it must work on a disk that is full.
  if (base::readFileIfExists(path) != content) writeSecret(path, content);
}

}  // namespace wherry::pki

// The keys and certificates of a cluster, kept in one directory: ca, apiserver, admin and kubelet (each NAME.crt and
// NAME.key), and sa.key, which signs ServiceAccount tokens; sa-<anything>.key are keys that once did, whose tokens are
// still good.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "pki/certificate.h"

namespace wherry::pki {

struct ClusterPkiOptions {
  std::string directory;
  std::string nodeName;
  std::vector<std::string> serverNames;  // DNS names and addresses under which the API server is reached
};

struct ClusterPki {
  KeyPair authority;
  KeyPair apiServer;
  KeyPair admin;                                   // kubernetes-admin of system:masters
  KeyPair kubelet;                                 // system:node:<nodeName> of system:nodes
  std::vector<std::string> serviceAccountKeysPem;  // the first signs tokens, all verify them
};

// Reads what is there, makes what is missing, and renews a certificate that is near its end, not valid at this time
// (the clock was wrong when it was made, or is now), of another authority, or (apiserver, kubelet) names other names
// than it should. ca.crt is renewed with its own key, so that a client that holds the former one believes what the new
// one signs. Files are written atomically and durably, mode 0600. Throws std::system_error (the directory),
// std::runtime_error when ca.crt and ca.key are unusable: the key is never replaced, since every client trusts it.
ClusterPki loadClusterPki(const ClusterPkiOptions& options, const base::Clock& clock);

// Why a certificate should be issued anew at `now`; empty when it is as `spec` wants it. The pure half of the above.
std::string whyRenew(const KeyPair& pair, const std::string& authorityPem, const CertificateSpec& spec,
                     base::WallTime now);

// When loadClusterPki() has something to renew, if nothing but time changes. Pure.
base::WallTime nextRenewal(const ClusterPki& pki);

struct KubeconfigSpec {
  std::string server;  // "https://192.0.2.1:6443"
  std::string authorityPem;
  KeyPair credentials;
  std::string clusterName = "wherry";
  std::string userName = "kubernetes-admin";
};

// A kubeconfig with everything in it, as kubectl reads it.
std::string renderKubeconfig(const KubeconfigSpec& spec);
void writeKubeconfig(const std::string& path, const KubeconfigSpec& spec);  // mode 0600

}  // namespace wherry::pki

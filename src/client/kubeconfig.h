// Kubeconfig files: where a cluster is and who we are there. The current context alone; certificates, keys and tokens
// as data or as files (relative to the kubeconfig). Credential plug-ins (exec, auth-provider) are refused.
#pragma once

#include <string>
#include <string_view>

namespace wherry::client {

struct Kubeconfig {
  std::string server;          // "https://192.0.2.1:6443"
  std::string authorityPem;    // empty only with insecure
  bool insecure = false;       // insecure-skip-tls-verify: any server is believed
  std::string certificatePem;  // empty: none
  std::string keyPem;
  std::string token;  // empty: none
  std::string ns;     // of the context; "default" when it names none
};

// Throws std::runtime_error that says what is wrong and where: "/root/.kube/config: context \"x\" is not there".
Kubeconfig loadKubeconfig(const std::string& path);

// The same out of text; files that it names are looked for in `directory`.
Kubeconfig parseKubeconfig(std::string_view text, const std::string& directory);

}  // namespace wherry::client

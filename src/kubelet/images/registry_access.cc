#include "kubelet/images/registry_access.h"

#include <filesystem>

#include "base/fd.h"

namespace wherry::kubelet {

namespace fs = std::filesystem;

RegistryAccess::RegistryAccess(std::string directory, const RegistryEndpoint& endpoint, const json::Object& podLogins)
    : directory_(std::move(directory)) {
  skopeo_.insecure = endpoint.tls.insecure;
  if (std::string logins = mergeLogins(podLogins, endpoint); !logins.empty()) {
    skopeo_.authFile = directory_ + "/auth.json";
    base::writeFileAtomic(skopeo_.authFile, logins, 0600);
  }
  // containers-certs.d(5) says how the files must be called.
  const std::pair<const std::string&, const char*> files[] = {
      {endpoint.tls.caFile, "ca.crt"}, {endpoint.tls.certFile, "client.cert"}, {endpoint.tls.keyFile, "client.key"}};
  for (const auto& [file, name] : files) {
    if (file.empty()) continue;
    skopeo_.certDir = directory_ + "/certs";
    base::makeDirectories(skopeo_.certDir, 0700);
    fs::create_symlink(file, skopeo_.certDir + "/" + name);
  }
}

RegistryAccess::~RegistryAccess() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

}  // namespace wherry::kubelet

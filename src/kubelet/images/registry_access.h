// RegistryAccess: the files that skopeo needs to speak to one registry (logins, certificates), for as long as it lives,
// in a directory of their own that only root may enter. Nothing of the machine's is touched.
#pragma once

#include <string>

#include "kubelet/images/registries.h"
#include "kubelet/images/skopeo.h"

namespace wherry::kubelet {

class RegistryAccess {
 public:
  // `directory` exists and is removed at the end. Throws std::system_error.
  RegistryAccess(std::string directory, const RegistryEndpoint& endpoint, const json::Object& podLogins);
  ~RegistryAccess();
  RegistryAccess(const RegistryAccess&) = delete;
  RegistryAccess& operator=(const RegistryAccess&) = delete;

  const SkopeoAccess& skopeo() const { return skopeo_; }

 private:
  std::string directory_;
  SkopeoAccess skopeo_;
};

}  // namespace wherry::kubelet

// The credentials of imagePullSecrets, for skopeo. Pure.
#pragma once

#include <string>
#include <vector>

#include "meta/object.h"

namespace wherry::kubelet {

// One auth.json (containers-auth.json(5)) out of Secrets of the types kubernetes.io/dockerconfigjson and dockercfg; the
// earlier Secret wins where two name one registry. "" when none holds any.
std::string mergePullSecrets(const std::vector<meta::ObjectPtr>& secrets);

}  // namespace wherry::kubelet

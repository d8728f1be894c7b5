// The logins of imagePullSecrets. Pure.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "meta/object.h"

namespace wherry::kubelet {

// The logins in Secrets of the types kubernetes.io/dockerconfigjson and dockercfg, by registry as they name it; the
// earlier Secret wins where two name one registry.
json::Object mergePullSecrets(const std::vector<meta::ObjectPtr>& secrets);

// Those of them that are for one of these hosts ("docker.io", "registry.example:5000"), whatever form the Secret's key
// has ("https://index.docker.io/v1/", "registry.example:5000/team").
json::Object loginsFor(const std::vector<std::string>& hosts, const json::Object& logins);

}  // namespace wherry::kubelet

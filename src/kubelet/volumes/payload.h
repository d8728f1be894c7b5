// What the files of configMap, secret, downwardAPI and projected volumes contain. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "kubelet/pods/pod_facts.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

using Data = std::map<std::string, std::string, std::less<>>;

// All entries, base64 undone.
Data configMapData(const core_v1::ConfigMap& configMap);
Data secretData(const core_v1::Secret& secret);

struct VolumeFile {
  std::string content;
  int64_t mode = 0644;
  std::optional<int64_t> owner{};  // a user; root without
  bool operator==(const VolumeFile&) const = default;
};
// By path below the volume: "a/b.conf".
using Payload = std::map<std::string, VolumeFile>;

// A token for the pod's service account; nothing when there is none to be had.
using TokenSource = std::function<std::optional<std::string>(const core_v1::ServiceAccountTokenProjection&)>;

// Whether this volume's content is made of API objects.
bool hasPayload(const core_v1::Volume& volume);

// REQUIRES: hasPayload(volume). Throws ConfigError in the API's words: `configmap "x" not found`,
// `references non-existent config key: k`.
Payload volumePayload(const core_v1::Pod& pod, const core_v1::Volume& volume, const PodFacts& facts,
                      const ObjectLookup& lookup, const TokenSource& token);

}  // namespace wherry::kubelet

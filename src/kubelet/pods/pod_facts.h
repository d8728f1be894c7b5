// What the node knows of a pod that the pod's own object may not say yet.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "meta/object.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct PodFacts {
  std::string podIp;   // one, or of both families, separated by a comma: "10.244.0.7,fd00:10:244::7"
  std::string hostIp;  // likewise
  int64_t allocatableMilliCpu = 0;
  int64_t allocatableMemory = 0;  // bytes
};

// Reads other objects; null when there is no such object. Called from the pod's worker.
struct ObjectLookup {
  std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)> configMap;
  std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)> secret;
  std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)> persistentVolumeClaim;
  std::function<meta::ObjectPtr(std::string_view name)> persistentVolume;
  std::function<meta::ObjectPtr(std::string_view name)> csiDriver;
  std::function<meta::ObjectPtr(std::string_view name)> volumeAttachment;
  // Where a volume of a storage driver ("csi", "csi-block") or of another machine ("nfs") is for the pod of this uid.
  std::function<std::string(std::string_view uid, std::string_view plugin, std::string_view volume)> storageTarget;
  // The Services of the namespace and, always, the API's own; "" for that alone.
  std::function<std::vector<meta::ObjectPtr>(std::string_view ns)> services;
};

// Something that a pod names can't be had, or it can't be understood; the message is what its status shows.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The first of such a list: what the older, singular fields show.
std::string_view primaryIp(std::string_view ips);

// "metadata.name", "metadata.labels['app']", "status.podIP", ...; throws ConfigError for a path that is none.
std::string fieldValue(const core_v1::Pod& pod, const PodFacts& facts, std::string_view path);

// "limits.cpu" of the container that the selector names, else of `container`; what has no limit has the node's. Rounded
// up to whole divisors. Throws ConfigError.
std::string resourceFieldValue(const core_v1::Pod& pod, const core_v1::Container& container, const PodFacts& facts,
                               const core_v1::ResourceFieldSelector& selector);

}  // namespace wherry::kubelet

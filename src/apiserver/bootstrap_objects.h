// The objects that every cluster has: system namespaces, the Service `kubernetes` with its endpoints, the system's
// PriorityClasses. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "meta/gvk.h"

namespace wherry::apiserver {

struct BootstrapObject {
  meta::Resource resource;
  std::string ns;
  json::Value object;

  std::string name() const { return std::string(json::getString(object, "metadata.name")); }
};

struct Advertised {
  std::string address;  // where the API server is reached
  uint16_t port = 6443;
  std::string serviceIp;  // the cluster IP of the Service `kubernetes`
};

// In the order in which they are made: namespaces first.
std::vector<BootstrapObject> bootstrapObjects(const Advertised& advertised);

// Those that are made again when they are deleted or changed: the Service's endpoints and slice, and the Service
// itself.
std::vector<BootstrapObject> kubernetesServiceObjects(const Advertised& advertised);

// `stored` as it should be: `wanted`'s own fields put into it; nothing when they are so already.
std::optional<json::Value> correctedObject(const json::Value& stored, const BootstrapObject& wanted);

}  // namespace wherry::apiserver

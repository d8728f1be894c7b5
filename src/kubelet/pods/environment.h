// A container's environment: the image's, the Services of its namespace, envFrom, env. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kubelet/images/image.h"
#include "kubelet/pods/pod_facts.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// Variables in the order in which they were first set; a later value replaces an earlier one.
class Environment {
 public:
  void set(std::string_view name, std::string value);
  std::optional<std::string> find(std::string_view name) const;
  std::vector<std::string> lines() const;  // "NAME=value"

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

// Throws ConfigError in the API's words: `configmap "x" not found`, `couldn't find key k in Secret default/x`.
Environment resolveEnvironment(const core_v1::Pod& pod, const core_v1::Container& container, const ImageConfig& image,
                               const PodFacts& facts, const ObjectLookup& lookup, std::string_view hostname);

// NAME_SERVICE_HOST, NAME_SERVICE_PORT, NAME_PORT_80_TCP_ADDR, ... of these Services (those without a cluster IP are
// left out).
std::vector<std::pair<std::string, std::string>> serviceVariables(const std::vector<meta::ObjectPtr>& services);

// command and args, else the image's; $(NAME) expanded. The image's Cmd goes when the pod has a command.
std::vector<std::string> resolveArguments(const core_v1::Container& container, const ImageConfig& image,
                                          const Environment& environment);

}  // namespace wherry::kubelet

#include "kubelet/runtime/pod_paths.h"

#include <stdexcept>

#include <fmt/format.h>

namespace wherry::kubelet {

PodPaths PodPaths::of(const std::string& dataDir, const std::string& runDir, std::string_view uid) {
  // What is removed by these paths must never be the directory of all pods.
  bool name = !uid.empty() && uid.find('/') == std::string_view::npos && uid != "." && uid != "..";
  if (!name) throw std::invalid_argument(fmt::format("\"{}\" is not a pod's uid", uid));
  return {fmt::format("{}/pods/{}", dataDir, uid), fmt::format("{}/ns/{}", runDir, uid),
          fmt::format("/wherry/pod{}", uid)};
}

std::string PodPaths::container(std::string_view name, int attempt) const {
  return fmt::format("{}/{}/{}", containers(), name, attempt);
}

std::string PodPaths::containerCgroup(std::string_view name, int attempt) const {
  return fmt::format("{}/{}-{}", cgroup, name, attempt);
}

linux::SharedNamespaces PodPaths::namespaceFiles() const {
  return {namespaces + "/net", namespaces + "/ipc", namespaces + "/uts"};
}

std::string podLogDirectory(const std::string& logDir, std::string_view ns, std::string_view name,
                            std::string_view uid) {
  return fmt::format("{}/pods/{}_{}_{}", logDir, ns, name, uid);
}

}  // namespace wherry::kubelet

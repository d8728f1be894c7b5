#include "kubelet/pods/pod_containers.h"

#include <fmt/format.h>

namespace wherry::kubelet {
namespace {

const char* listOf(ContainerKind kind) {
  switch (kind) {
    case ContainerKind::kInit:
    case ContainerKind::kSidecar:
      return "initContainers";
    case ContainerKind::kEphemeral:
      return "ephemeralContainers";
    case ContainerKind::kRegular:
      break;
  }
  return "containers";
}

}  // namespace

std::vector<PodContainer> containersOf(const core_v1::Pod& pod) {
  std::vector<PodContainer> out;
  for (auto container : pod.spec().initContainers()) out.push_back({container, kindOf(container)});
  for (auto container : pod.spec().containers()) out.push_back({container, ContainerKind::kRegular});
  for (auto container : pod.spec().ephemeralContainers()) {
    out.push_back({core_v1::Container(&container.tree()), ContainerKind::kEphemeral});
  }
  return out;
}

std::optional<PodContainer> findContainer(const core_v1::Pod& pod, std::string_view name) {
  for (const PodContainer& container : containersOf(pod)) {
    if (container.spec.name() == name) return container;
  }
  return std::nullopt;
}

ContainerKind kindOf(const core_v1::Container& initContainer) {
  return initContainer.restartPolicy() == "Always" ? ContainerKind::kSidecar : ContainerKind::kInit;
}

std::string fieldPathOf(std::string_view name, ContainerKind kind) {
  return fmt::format("spec.{}{{{}}}", listOf(kind), name);
}

}  // namespace wherry::kubelet

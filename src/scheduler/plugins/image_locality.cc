#include "scheduler/plugins/image_locality.h"

#include <algorithm>

namespace wherry::scheduler {

namespace {

constexpr int64_t kMegabyte = 1024 * 1024;
constexpr int64_t kNothing = 23 * kMegabyte;  // less than this is pulled in no time
constexpr int64_t kMostPerContainer = 1000 * kMegabyte;

// "nginx" is how the pod says it, "docker.io/library/nginx:latest" may be how the node does.
bool sameImage(std::string_view onNode, std::string_view wanted) {
  if (!onNode.ends_with(wanted))
    return onNode.ends_with(":latest") && sameImage(onNode.substr(0, onNode.size() - 7), wanted);
  return onNode.size() == wanted.size() || onNode[onNode.size() - wanted.size() - 1] == '/';
}

int64_t sizeOnNode(const NodeInfo& node, std::string_view wanted) {
  for (const auto image : node.node().status().images()) {
    for (const auto name : image.names()) {
      if (sameImage(name, wanted)) return image.sizeBytes();
    }
  }
  return 0;
}

}  // namespace

int64_t scoreImageLocality(const PodInfo& pod, const NodeInfo& node) {
  int64_t bytes = 0, containers = 0;
  for (const auto container : pod.pod.spec().containers()) {
    bytes += sizeOnNode(node, container.image());
    ++containers;
  }
  const int64_t most = kMostPerContainer * std::max<int64_t>(containers, 1);
  return (std::clamp(bytes, kNothing, most) - kNothing) * kBestScore / (most - kNothing);
}

}  // namespace wherry::scheduler

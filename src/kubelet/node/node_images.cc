#include "kubelet/node/node_images.h"

#include <algorithm>
#include <map>

namespace wherry::kubelet {
namespace {

constexpr size_t kMostImages = 50;  // upstream's nodeStatusMaxImages
constexpr size_t kMostNames = 5;    // and MaxNamesPerImageInNodeStatus

struct Shown {
  std::vector<std::string> digests;  // "docker.io/library/nginx@sha256:..."
  std::vector<std::string> names;    // "docker.io/library/nginx:latest"
  int64_t size = 0;
};

void addOnce(std::vector<std::string>& names, std::string name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

}  // namespace

json::Array renderNodeImages(const std::vector<Image>& images) {
  std::map<std::string, Shown> byId;
  for (const Image& image : images) {
    Shown& shown = byId[image.configDigest];
    addOnce(shown.digests, image.imageId());
    addOnce(shown.names, image.name);
    shown.size = image.size;
  }
  std::vector<Shown> sorted;
  for (auto& [id, shown] : byId) sorted.push_back(std::move(shown));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Shown& a, const Shown& b) { return a.size > b.size; });
  if (sorted.size() > kMostImages) sorted.resize(kMostImages);
  json::Array out;
  for (Shown& shown : sorted) {
    for (std::string& name : shown.names) addOnce(shown.digests, std::move(name));
    if (shown.digests.size() > kMostNames) shown.digests.resize(kMostNames);
    json::Array names;
    for (const std::string& name : shown.digests) names.emplace_back(name);
    out.push_back(json::Object{{"names", std::move(names)}, {"sizeBytes", shown.size}});
  }
  return out;
}

}  // namespace wherry::kubelet

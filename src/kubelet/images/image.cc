#include "kubelet/images/image.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <sys/utsname.h>

#include "kubelet/images/reference.h"

namespace wherry::kubelet {
namespace {

std::vector<std::string> texts(const json::Value& document, std::string_view path) {
  std::vector<std::string> out;
  const json::Value* list = json::find(document, path);
  if (!list || !list->is_array()) return out;
  for (const json::Value& item : list->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

// Sizes are whatever a registry says they are.
void addSize(int64_t& total, int64_t size) {
  size = std::clamp<int64_t>(size, 0, std::numeric_limits<int64_t>::max() - total);
  total += size;
}

}  // namespace

std::string Image::imageId() const {
  auto reference = ImageReference::parse(name);
  return (reference ? reference->repositoryText() + "@" : "") + sourceDigest;
}

std::string digestHex(std::string_view digest) {
  constexpr std::string_view kPrefix = "sha256:";
  bool right = digest.starts_with(kPrefix) && digest.size() == kPrefix.size() + 64 &&
               digest.substr(kPrefix.size()).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!right) throw std::runtime_error("not a sha256 digest: " + std::string(digest.substr(0, 100)));
  return std::string(digest.substr(kPrefix.size()));
}

std::vector<Descriptor> parseDescriptors(const json::Array& list) {
  std::vector<Descriptor> out;
  for (const json::Value& item : list) {
    Descriptor descriptor{std::string(json::getString(item, "mediaType")),
                          std::string(json::getString(item, "digest")),
                          json::getInt(item, "size"),
                          {}};
    const json::Value* annotations = json::find(item, "annotations");
    if (annotations && annotations->is_object()) descriptor.annotations = annotations->get_object();
    out.push_back(std::move(descriptor));
  }
  return out;
}

bool isIndex(std::string_view mediaType) {
  return mediaType == "application/vnd.oci.image.index.v1+json" ||
         mediaType == "application/vnd.docker.distribution.manifest.list.v2+json";
}

std::optional<Descriptor> findManifest(const json::Value& index, std::string_view architecture) {
  const json::Value* list = json::find(index, "manifests");
  if (!list || !list->is_array() || list->get_array().empty()) return std::nullopt;
  auto descriptors = parseDescriptors(list->get_array());
  if (descriptors.size() == 1) return descriptors[0];
  for (size_t i = 0; i < descriptors.size(); ++i) {
    const json::Value& item = list->get_array()[i];
    bool linuxHere = json::getString(item, "platform.os", "linux") == "linux";
    if (linuxHere && json::getString(item, "platform.architecture") == architecture) return descriptors[i];
  }
  return std::nullopt;
}

int64_t manifestBytes(const json::Value& manifest) {
  int64_t bytes = 0;
  addSize(bytes, json::getInt(manifest, "config.size"));
  const json::Value* layers = json::find(manifest, "layers");
  if (!layers || !layers->is_array()) return bytes;
  for (const json::Value& layer : layers->get_array()) addSize(bytes, json::getInt(layer, "size"));
  return bytes;
}

void readManifest(const json::Value& manifest, Image& into) {
  into.configDigest = json::getString(manifest, "config.digest");
  const json::Value* layers = json::find(manifest, "layers");
  if (into.configDigest.empty() || !layers || !layers->is_array()) throw std::runtime_error("not an image manifest");
  into.layers.clear();
  into.size = 0;
  for (const Descriptor& layer : parseDescriptors(layers->get_array())) {
    into.layers.push_back(layer.digest);
    addSize(into.size, layer.size);
  }
}

ImageConfig parseImageConfig(const json::Value& document) {
  return {.entrypoint = texts(document, "config.Entrypoint"),
          .cmd = texts(document, "config.Cmd"),
          .env = texts(document, "config.Env"),
          .workingDir = std::string(json::getString(document, "config.WorkingDir")),
          .user = std::string(json::getString(document, "config.User")),
          .stopSignal = std::string(json::getString(document, "config.StopSignal"))};
}

std::vector<std::string> parseDiffIds(const json::Value& document) { return texts(document, "rootfs.diff_ids"); }

void checkDiffIds(const Image& image) {
  if (image.diffIds.size() == image.layers.size()) return;
  throw std::runtime_error(fmt::format("image has {} layers in its manifest and {} in its config (rootfs.diff_ids)",
                                       image.layers.size(), image.diffIds.size()));
}

std::string machineArchitecture() {
  utsname name{};
  ::uname(&name);
  std::string_view machine = name.machine;
  return machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : std::string(machine);
}

}  // namespace wherry::kubelet

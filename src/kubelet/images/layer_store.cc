#include "kubelet/images/layer_store.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/random.h"
#include "base/sync.h"
#include "kubelet/images/disk_space.h"
#include "kubelet/images/layer.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIncoming = ".incoming-";

// A small blob that unpacks to a huge layer is a trap, and a layer that fills the disk takes the whole node with it.
LayerLimits limitsFor(const std::string& blob, const std::string& directory) {
  constexpr uint64_t kAlwaysFine = 1ULL << 30;
  constexpr uint64_t kMostExpansion = 200;
  LayerLimits limits;
  limits.maxBytes = std::min(limits.maxBytes, std::max(kAlwaysFine, fs::file_size(blob) * kMostExpansion));
  uint64_t room = readDiskSpace(directory).forImages();
  if (room >= limits.maxBytes) return limits;
  limits.maxBytes = room;
  limits.aboveBytes = fmt::format(
      "layer does not fit on the disk, which has {} left for images: no space left on device", humanBytes(room));
  return limits;
}

}  // namespace

LayerStore::LayerStore(std::string directory) : directory_(std::move(directory)) {
  base::makeDirectories(directory_, 0700);
  for (const auto& entry : fs::directory_iterator(directory_)) {
    if (entry.path().filename().string().starts_with(kIncoming)) fs::remove_all(entry.path());
  }
}

std::string LayerStore::path(std::string_view digest) const { return directory_ + "/" + digestHex(digest); }

void LayerStore::unpack(const std::string& blob, const std::string& target, const std::string& diffId) const {
  std::string temporary = directory_ + "/" + kIncoming + base::randomSuffix(10);
  base::makeDirectories(temporary);
  try {
    std::string found = unpackLayer(blob, temporary, limitsFor(blob, directory_));
    if (!diffId.empty() && found != diffId) {
      throw std::runtime_error(
          fmt::format("layer is not the one that the image's config names in rootfs.diff_ids: "
                      "unpacked it is {}, not {}",
                      found, diffId));
    }
    base::syncFilesystem(temporary);
    base::faultPoint("layer-unpacked");
    fs::rename(temporary, target);
    base::faultPoint("layer-in-place");
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

void LayerStore::ensure(const Image& image, const std::function<std::string(std::string_view)>& blobPath) {
  // A container of an image that is here does not wait for another image's layers.
  auto there = [this](const std::string& digest) { return fs::exists(path(digest)); };
  if (std::all_of(image.layers.begin(), image.layers.end(), there)) return;
  for (size_t i = 0; i < image.layers.size(); ++i) {
    const std::string& digest = image.layers[i];
    std::string diffId = i < image.diffIds.size() ? image.diffIds[i] : "";
    std::lock_guard lock(unpacking_);
    if (!there(digest)) unpack(blobPath(digest), path(digest), diffId);
  }
}

std::shared_ptr<void> LayerStore::pin(const std::vector<std::string>& digests) {
  pins_.with([&](auto& pins) {
    for (const std::string& digest : digests) ++pins[digestHex(digest)];
  });
  return std::shared_ptr<void>(nullptr, [this, digests](void*) {
    pins_.with([&](auto& pins) {
      for (const std::string& digest : digests) {
        auto pinned = pins.find(digestHex(digest));
        if (--pinned->second == 0) pins.erase(pinned);
      }
    });
  });
}

bool LayerStore::collect(const std::set<std::string>& needed) {
  std::string mounted;
  for (const linux::Mount& mount : linux::readMounts()) {
    if (mount.fstype == "overlay") mounted += mount.superOptions + "\n";
  }
  bool keptMounted = false;
  std::lock_guard lock(unpacking_);
  for (const auto& entry : fs::directory_iterator(directory_)) {
    std::string hex = entry.path().filename().string();
    bool pinned = pins_.with([&](auto& pins) { return pins.contains(hex); });
    if (needed.contains(hex) || pinned) continue;
    bool inUse = mounted.find(hex) != std::string::npos;
    keptMounted = keptMounted || inUse;
    if (!inUse) fs::remove_all(entry.path());
  }
  return !keptMounted;
}

}  // namespace wherry::kubelet

#include "kubelet/volumes/usage.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/pods/pod_containers.h"
#include "kubelet/volumes/payload.h"
#include "meta/quantity.h"

namespace wherry::kubelet {
namespace {

constexpr int kMaxDepth = 512;
constexpr uint64_t kBlock = 512;  // stat(2), whatever the file system's own are
constexpr const char* kEphemeral = "ephemeral-storage";

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Goes by descriptors, so that nobody can swap a directory for a link on the way.
class Walk {
 public:
  DiskUsage of(const std::string& path) {
    base::Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!root || ::fstat(root.get(), &status) != 0) return {};
    device_ = status.st_dev;
    count(status);
    visit(std::move(root), 0);
    return usage_;
  }

 private:
  void visit(base::Fd fd, int depth) {
    int number = fd.get();
    std::unique_ptr<DIR, DirectoryCloser> directory(::fdopendir(number));
    if (!directory) return;
    (void)fd.release();  // the stream closes it
    while (dirent* entry = ::readdir(directory.get())) {
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") enter(number, entry->d_name, depth);
    }
  }

  void enter(int parent, const char* name, int depth) {
    struct stat status {};
    if (::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_dev != device_) return;
    bool again = status.st_nlink > 1 && !S_ISDIR(status.st_mode) && !seen_.insert(status.st_ino).second;
    if (!again) count(status);
    if (!S_ISDIR(status.st_mode) || depth >= kMaxDepth) return;
    base::Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd) visit(std::move(fd), depth + 1);
  }

  void count(const struct stat& status) { usage_ += {static_cast<uint64_t>(status.st_blocks) * kBlock, 1}; }

  dev_t device_ = 0;
  std::set<ino_t> seen_;  // those with several names
  DiskUsage usage_;
};

bool inMemory(const core_v1::Volume& volume) {
  return hasPayload(volume) ? !volume.hasConfigMap() : volume.emptyDir().medium() == "Memory";
}

// What goes with the pod. A volume without a source is an emptyDir.
bool isEphemeral(const core_v1::Volume& volume) {
  return volume.hasEmptyDir() || hasPayload(volume) || volume.tree().size() <= 1;
}

std::optional<meta::Quantity> limitOf(const schema::StringMap& limits) {
  auto limit = meta::Quantity::parse(limits.get(kEphemeral));
  return limit && limit->value() > 0 ? limit : std::nullopt;
}

std::optional<meta::Quantity> sizeLimitOf(const core_v1::Volume& volume) {
  auto limit = meta::Quantity::parse(volume.emptyDir().sizeLimit());
  return limit && limit->value() > 0 ? limit : std::nullopt;
}

bool exceeds(uint64_t used, const meta::Quantity& limit) { return used > static_cast<uint64_t>(limit.value()); }

void addTo(std::optional<meta::Quantity>& sum, const std::optional<meta::Quantity>& more) {
  if (more) sum = sum ? *sum + *more : *more;
}

// Of those of its containers that have one.
std::optional<meta::Quantity> podLimit(const core_v1::Pod& pod) {
  std::optional<meta::Quantity> sum, largest;
  for (const PodContainer& container : containersOf(pod)) {
    auto limit = limitOf(container.spec.resources().limits());
    if (container.kind != ContainerKind::kInit)
      addTo(sum, limit);
    else if (limit && (!largest || *largest < *limit))
      largest = limit;
  }
  return std::max(sum, largest);
}

std::optional<std::string> volumeExcess(const core_v1::Pod& pod, const EphemeralUsage& usage) {
  for (auto volume : pod.spec().volumes()) {
    auto limit = sizeLimitOf(volume);
    auto used = usage.volumes.find(volume.name());
    if (!limit || used == usage.volumes.end() || !exceeds(used->second.bytes, *limit)) continue;
    return fmt::format("Usage of EmptyDir volume \"{}\" exceeds the limit \"{}\". ", volume.name(), limit->text());
  }
  return std::nullopt;
}

DiskUsage ofContainer(const EphemeralUsage& usage, std::string_view name) {
  DiskUsage out;
  for (const auto* kind : {&usage.layers, &usage.logs}) {
    if (auto found = kind->find(name); found != kind->end()) out += found->second;
  }
  return out;
}

std::optional<std::string> containerExcess(const core_v1::Pod& pod, const EphemeralUsage& usage) {
  for (const PodContainer& container : containersOf(pod)) {
    auto limit = limitOf(container.spec.resources().limits());
    if (!limit || !exceeds(ofContainer(usage, container.spec.name()).bytes, *limit)) continue;
    return fmt::format("Container {} exceeded its local ephemeral storage limit \"{}\". ", container.spec.name(),
                       limit->text());
  }
  return std::nullopt;
}

// Of all attempts that have one still.
DiskUsage measureLayers(const std::string& container) {
  DiskUsage out;
  std::error_code error;
  for (const auto& attempt : std::filesystem::directory_iterator(container, error)) {
    out += measureDirectory((attempt.path() / "upper").string());
  }
  return out;
}

}  // namespace

DiskUsage& DiskUsage::operator+=(const DiskUsage& other) {
  bytes += other.bytes;
  inodes += other.inodes;
  return *this;
}

DiskUsage EphemeralUsage::onDisk(const core_v1::Pod& pod) const {
  DiskUsage out;
  for (const auto* kind : {&layers, &logs}) {
    for (const auto& [name, used] : *kind) out += used;
  }
  for (auto volume : pod.spec().volumes()) {
    auto found = volumes.find(volume.name());
    if (found != volumes.end() && !inMemory(volume)) out += found->second;
  }
  return out;
}

DiskUsage measureDirectory(const std::string& path) { return Walk().of(path); }

EphemeralUsage measureEphemeral(const core_v1::Pod& pod, const PodPaths& paths, const std::string& logDirectory) {
  EphemeralUsage out;
  for (const PodContainer& container : containersOf(pod)) {
    std::string name(container.spec.name());
    out.logs[name] = measureDirectory(logDirectory + "/" + name);
    out.layers[name] = measureLayers(paths.containers() + "/" + name);
  }
  for (auto volume : pod.spec().volumes()) {
    if (isEphemeral(volume)) out.volumes[std::string(volume.name())] = measureDirectory(paths.volume(volume.name()));
  }
  return out;
}

bool limitsEphemeral(const core_v1::Pod& pod) {
  for (auto volume : pod.spec().volumes()) {
    if (sizeLimitOf(volume)) return true;
  }
  auto containers = containersOf(pod);
  return std::any_of(containers.begin(), containers.end(), [](const PodContainer& container) {
    return limitOf(container.spec.resources().limits()).has_value();
  });
}

std::optional<std::string> decideExcess(const core_v1::Pod& pod, const EphemeralUsage& usage) {
  if (auto excess = volumeExcess(pod, usage)) return excess;
  auto limit = podLimit(pod);
  if (limit && exceeds(usage.onDisk(pod).bytes, *limit)) {
    return fmt::format("Pod ephemeral local storage usage exceeds the total limit of containers {}. ", limit->text());
  }
  return containerExcess(pod, usage);
}

}  // namespace wherry::kubelet

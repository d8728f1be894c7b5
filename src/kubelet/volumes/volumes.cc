#include "kubelet/volumes/volumes.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kubelet/pods/expansion.h"
#include "kubelet/pods/pod_containers.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/claimed_volume.h"
#include "kubelet/volumes/host_path.h"
#include "linux/mounts.h"
#include "meta/quantity.h"

namespace wherry::kubelet {
namespace {

std::optional<gid_t> fsGroupOf(const core_v1::Pod& pod) {
  auto context = pod.spec().securityContext();
  return context.hasFsGroup() ? std::optional(static_cast<gid_t>(context.fsGroup())) : std::nullopt;
}

bool isMounted(const std::string& target) {
  auto mounts = linux::readMounts();
  return std::any_of(mounts.begin(), mounts.end(), [&](auto& mount) { return mount.target == target; });
}

void setUpEmptyDir(const core_v1::EmptyDirVolumeSource& source, const std::string& directory,
                   std::optional<gid_t> group) {
  base::makeDirectories(directory);
  if (source.medium() == "Memory" && !isMounted(directory)) {
    auto limit = meta::Quantity::parse(source.sizeLimit());
    linux::mountTmpfs(directory, limit ? fmt::format("mode=0777,size={}", limit->value()) : "mode=0777");
  }
  mode_t mode = group ? 02777 : 0777;
  if (group && ::chown(directory.c_str(), static_cast<uid_t>(-1), *group) != 0) base::throwErrno("chown " + directory);
  if (::chmod(directory.c_str(), mode) != 0) base::throwErrno("chmod " + directory);
}

void setUpVolume(const core_v1::Pod& pod, const core_v1::Volume& volume, const PodPaths& paths,
                 const VolumeSources& sources) {
  std::string directory = paths.volume(volume.name());
  if (volume.hasHostPath()) return ensureHostPath(std::string(volume.hostPath().path()), volume.hostPath().type());
  if (volume.hasPersistentVolumeClaim()) return setUpClaimed(claimedVolume(pod, volume, sources.lookup), pod);
  if (hasPayload(volume)) {
    writePayload(directory, volumePayload(pod, volume, sources.facts, sources.lookup, sources.token), fsGroupOf(pod));
    return;
  }
  // A volume without a source is an emptyDir.
  bool empty = volume.hasEmptyDir() || volume.tree().size() <= 1;
  if (!empty) throw std::runtime_error("no volume plugin matched");
  setUpEmptyDir(volume.emptyDir(), directory, fsGroupOf(pod));
}

std::optional<core_v1::Volume> findVolume(const core_v1::Pod& pod, std::string_view name) {
  for (auto volume : pod.spec().volumes()) {
    if (volume.name() == name) return volume;
  }
  return std::nullopt;
}

base::Fd openInRoot(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return base::Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

base::Fd openOrMakeDirectory(int root, const std::string& path) {
  base::Fd found = openInRoot(root, path);
  if (found || errno != ENOENT) return found;
  size_t slash = path.rfind('/');
  base::Fd parent =
      slash == std::string::npos ? base::Fd(::dup(root)) : openOrMakeDirectory(root, path.substr(0, slash));
  if (!parent) return parent;
  ::mkdirat(parent.get(), path.substr(slash == std::string::npos ? 0 : slash + 1).c_str(), 0755);
  return openInRoot(root, path);
}

// The sub-path is bound to a place of ours by its descriptor: a container that swaps it for a link meanwhile gains
// nothing.
std::string bindSubPath(const std::string& volume, const std::string& subPath, const std::string& target) {
  base::Fd root(::open(volume.c_str(), O_PATH | O_CLOEXEC));
  if (!root) base::throwErrno("open " + volume);
  base::Fd found = openOrMakeDirectory(root.get(), subPath);
  if (!found) base::throwErrno("subPath " + subPath);
  struct stat status {};
  ::fstat(found.get(), &status);
  linux::unmount(target);
  base::makeDirectories(target.substr(0, target.rfind('/')));
  if (S_ISDIR(status.st_mode))
    base::makeDirectories(target);
  else
    base::Fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  linux::bindMount(fmt::format("/proc/self/fd/{}", found.get()), target);
  base::faultPoint("subpath-bound");
  return target;
}

std::string subPathOf(const core_v1::VolumeMount& mount, const Environment& environment) {
  std::string path(mount.subPath());
  if (!mount.subPathExpr().empty()) {
    path = expandVariables(mount.subPathExpr(), [&](std::string_view name) { return environment.find(name); });
  }
  for (std::string_view part : base::split(path, '/')) {
    if (part == "..") throw ConfigError(fmt::format("subPath \"{}\" must not contain '..'", path));
  }
  if (path.starts_with('/')) throw ConfigError(fmt::format("subPath \"{}\" must be relative", path));
  return path;
}

bool volumeUses(const core_v1::Volume& volume, SourceKind kind, std::string_view name) {
  bool configMap = kind == SourceKind::kConfigMap;
  bool itself = configMap ? volume.hasConfigMap() && volume.configMap().name() == name
                          : volume.hasSecret() && volume.secret().secretName() == name;
  if (itself) return true;
  for (auto source : volume.projected().sources()) {
    bool projected = configMap ? source.hasConfigMap() && source.configMap().name() == name
                               : source.hasSecret() && source.secret().name() == name;
    if (projected) return true;
  }
  return false;
}

bool environmentUses(const core_v1::Container& container, SourceKind kind, std::string_view name) {
  bool configMap = kind == SourceKind::kConfigMap;
  for (auto source : container.envFrom()) {
    if ((configMap ? source.configMapRef().name() : source.secretRef().name()) == name) return true;
  }
  for (auto variable : container.env()) {
    auto from = variable.valueFrom();
    if ((configMap ? from.configMapKeyRef().name() : from.secretKeyRef().name()) == name) return true;
  }
  return false;
}

std::string propagationOf(std::string_view text) {
  if (text == "HostToContainer") return "rslave";
  return text == "Bidirectional" ? "rshared" : "rprivate";
}

}  // namespace

void setUpVolumes(const core_v1::Pod& pod, const PodPaths& paths, const VolumeSources& sources) {
  for (auto volume : pod.spec().volumes()) {
    try {
      setUpVolume(pod, volume, paths, sources);
      base::faultPoint("volume-made");
    } catch (const std::exception& error) {
      throw VolumeError(std::string(volume.name()), error.what());
    }
  }
}

bool usesObject(const core_v1::Pod& pod, SourceKind kind, std::string_view name) {
  for (auto volume : pod.spec().volumes()) {
    if (volumeUses(volume, kind, name)) return true;
  }
  auto containers = containersOf(pod);
  return std::any_of(containers.begin(), containers.end(),
                     [&](const PodContainer& container) { return environmentUses(container.spec, kind, name); });
}

std::vector<ContainerMount> volumeMounts(const core_v1::Pod& pod, const core_v1::Container& container,
                                         const PodPaths& paths, const Environment& environment,
                                         const ObjectLookup& lookup) {
  std::vector<ContainerMount> out;
  int index = -1;
  for (auto mount : container.volumeMounts()) {
    ++index;
    auto volume = findVolume(pod, mount.name());
    if (!volume)
      throw ConfigError(
          fmt::format("cannot find volume \"{0}\" to mount into container \"{1}\"", mount.name(), container.name()));
    std::string source = volume->hasHostPath() ? std::string(volume->hostPath().path()) : paths.volume(mount.name());
    auto claim = volume->persistentVolumeClaim();
    if (claim) source = pathOf(claimedVolume(pod, *volume, lookup));
    std::string subPath = subPathOf(mount, environment);
    if (!subPath.empty()) {
      source = bindSubPath(source, subPath, fmt::format("{}/subpaths/{}/{}", paths.root, container.name(), index));
    }
    // Content volumes are the API's, not the container's.
    bool readOnly = mount.readOnly() || hasPayload(*volume) || claim.readOnly();
    std::string target(mount.mountPath());
    out.push_back({target.starts_with('/') ? target : "/" + target, source,
                   readOnly ? linux::Access::kReadOnly : linux::Access::kReadWrite,
                   propagationOf(mount.mountPropagation())});
  }
  return out;
}

}  // namespace wherry::kubelet

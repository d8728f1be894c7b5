#include "kubelet/volumes/empty_dir.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/mounts.h"
#include "meta/quantity.h"

namespace wherry::kubelet {
namespace {

int64_t bytesOf(std::string_view quantity) {
  auto parsed = meta::Quantity::parse(quantity);
  return parsed ? parsed->value() : 0;
}

// 0: some container may have as much as it likes.
int64_t memoryLimitOf(const core_v1::PodSpec& spec) {
  if (int64_t whole = bytesOf(spec.resources().limits().get("memory"))) return whole;
  int64_t sum = 0, largest = 0;
  for (auto container : spec.containers()) {
    int64_t limit = bytesOf(container.resources().limits().get("memory"));
    if (limit == 0) return 0;
    sum += limit;
  }
  for (auto container : spec.initContainers()) {
    int64_t limit = bytesOf(container.resources().limits().get("memory"));
    if (limit == 0) return 0;
    if (container.restartPolicy() == "Always")
      sum += limit;
    else
      largest = std::max(largest, limit);
  }
  return std::max(sum, largest);
}

// On another file system than the directory that it is in; no look at the list of all mounts.
bool isMounted(const std::string& directory) {
  struct stat own {
  }, parent{};
  return ::stat(directory.c_str(), &own) == 0 && ::stat((directory + "/..").c_str(), &parent) == 0 &&
         own.st_dev != parent.st_dev;
}

}  // namespace

std::optional<gid_t> fsGroupOf(const core_v1::Pod& pod) {
  auto context = pod.spec().securityContext();
  return context.hasFsGroup() ? std::optional(static_cast<gid_t>(context.fsGroup())) : std::nullopt;
}

int64_t memoryVolumeSize(const core_v1::Pod& pod, const core_v1::EmptyDirVolumeSource& source) {
  int64_t own = bytesOf(source.sizeLimit()), memory = memoryLimitOf(pod.spec());
  if (own == 0 || memory == 0) return std::max(own, memory);
  return std::min(own, memory);
}

void setUpEmptyDir(const core_v1::Pod& pod, const core_v1::EmptyDirVolumeSource& source, const std::string& directory) {
  auto group = fsGroupOf(pod);
  base::makeDirectories(directory);
  if (source.medium() == "Memory" && !isMounted(directory)) {
    int64_t size = memoryVolumeSize(pod, source);
    linux::mountTmpfs(directory, size > 0 ? fmt::format("mode=0777,size={}", size) : "mode=0777");
  }
  mode_t mode = group ? 02777 : 0777;
  if (group && ::chown(directory.c_str(), static_cast<uid_t>(-1), *group) != 0) base::throwErrno("chown " + directory);
  if (::chmod(directory.c_str(), mode) != 0) base::throwErrno("chmod " + directory);
}

void keepInMemory(const std::string& directory) {
  base::makeDirectories(directory);
  if (isMounted(directory) || std::filesystem::is_symlink(directory + "/..data")) return;
  linux::mountTmpfs(directory, "mode=0755");
}

}  // namespace wherry::kubelet

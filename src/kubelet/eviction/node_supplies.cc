#include "kubelet/eviction/node_supplies.h"

#include <optional>

#include <sys/statvfs.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::kubelet {

namespace {

// "MemTotal:  24684384 kB"
std::optional<int64_t> memInfo(std::string_view text, std::string_view key) {
  for (const std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view number = base::trim(line.substr(key.size()));
    const auto kib = base::parseInt<int64_t>(number.substr(0, number.find(' ')));
    return kib ? std::optional(*kib * 1024) : std::nullopt;
  }
  return std::nullopt;
}

void addMemory(Supplies& supplies) {
  const std::string text = base::readFileIfExists("/proc/meminfo").value_or("");
  const auto capacity = memInfo(text, "MemTotal:"), available = memInfo(text, "MemAvailable:");
  if (capacity && available) supplies[Signal::kMemory] = {*capacity, *available};
}

void addDisk(Supplies& supplies, const std::string& path, Signal bytes, Signal inodes) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return;
  const auto block = static_cast<int64_t>(disk.f_frsize);
  supplies[bytes] = {static_cast<int64_t>(disk.f_blocks) * block, static_cast<int64_t>(disk.f_bavail) * block};
  if (disk.f_files == 0) return;  // such a file system makes inodes as it needs them
  supplies[inodes] = {static_cast<int64_t>(disk.f_files), static_cast<int64_t>(disk.f_favail)};
}

void addPids(Supplies& supplies) {
  const auto limit =
      base::parseInt<int64_t>(base::trim(base::readFileIfExists("/proc/sys/kernel/pid_max").value_or("")));
  const std::string load = base::readFileIfExists("/proc/loadavg").value_or("");  // "0.1 0.2 0.3 1/123 4567"
  const auto fields = base::split(load, ' ');
  const auto tasks = fields.size() > 3 ? base::splitOnce(fields[3], '/') : std::nullopt;
  const auto used = tasks ? base::parseInt<int64_t>(tasks->second) : std::nullopt;
  if (limit && used) supplies[Signal::kPids] = {*limit, *limit - *used};
}

}  // namespace

Supplies readSupplies(const std::string& dataDir) {
  Supplies supplies;
  addMemory(supplies);
  addDisk(supplies, dataDir, Signal::kNodeFs, Signal::kNodeFsInodes);
  addDisk(supplies, dataDir + "/images", Signal::kImageFs, Signal::kImageFsInodes);
  addPids(supplies);
  return supplies;
}

}  // namespace wherry::kubelet

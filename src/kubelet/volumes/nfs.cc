#include "kubelet/volumes/nfs.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kTimeout{2};

NfsVolume nfsVolume(std::string_view name, const core_v1::NFSVolumeSource& source, bool readOnly) {
  const std::string server(source.server());
  const bool v6 = server.find(':') != std::string::npos;
  NfsVolume out{.name = std::string(name),
                .source = fmt::format("{}{}{}:{}", v6 ? "[" : "", server, v6 ? "]" : "", source.path()),
                .options = {}};
  if (readOnly || source.readOnly()) out.options.emplace_back("ro");
  return out;
}

bool isMountPoint(const std::string& target) {
  const auto mounts = linux::readMounts();
  return std::any_of(mounts.begin(), mounts.end(), [&](const linux::Mount& mount) { return mount.target == target; });
}

}  // namespace

std::optional<NfsVolume> nfsVolumeOf(const core_v1::Volume& volume, const core_v1::PersistentVolume& claimed) {
  if (volume.hasNfs()) return nfsVolume(volume.name(), volume.nfs(), false);
  if (!claimed || !claimed.spec().hasNfs()) return std::nullopt;
  NfsVolume out = nfsVolume(claimed.metadata().name(), claimed.spec().nfs(), volume.persistentVolumeClaim().readOnly());
  for (auto option : claimed.spec().mountOptions()) out.options.emplace_back(option);
  return out;
}

std::vector<std::string> nfsMountArguments(const NfsVolume& volume, const std::string& target) {
  std::vector<std::string> out{"-t", "nfs"};
  if (!volume.options.empty()) {
    out.emplace_back("-o");
    out.push_back(base::join(volume.options, ","));
  }
  out.push_back(volume.source);
  out.push_back(target);
  return out;
}

void mountNfs(const NfsVolume& volume, const std::string& target, const std::stop_token& stop) {
  base::makeDirectories(target, 0750);
  if (isMountPoint(target)) return;
  const auto arguments = nfsMountArguments(volume, target);
  base::Command command{.argv = {"mount"}, .timeout = kTimeout, .stop = stop};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const base::Finished done = base::run(command);
  if (done.ok()) return;
  throw std::runtime_error(
      fmt::format("mount failed: exit status {}\nMounting command: mount\nMounting arguments: {}\n"
                  "Output: {}{}",
                  done.exitCode, base::join(arguments, " "), done.out, done.err));
}

void unmountNfs(const std::string& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) return;
  linux::unmountBelow(directory);
  for (const auto& entry : fs::directory_iterator(directory, error)) fs::remove(entry.path(), error);  // when empty
  fs::path upwards(directory);
  for (int level = 0; level < 3; ++level, upwards = upwards.parent_path())
    fs::remove(upwards, error);  // <uid>/volumes/x
}

}  // namespace wherry::kubelet

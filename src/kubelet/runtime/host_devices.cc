#include "kubelet/runtime/host_devices.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

// Names in /dev that a container has of its own, or that lead elsewhere.
constexpr std::array<std::string_view, 12> kOwn = {"console", "fd",     "full", "mqueue", "null",    "ptmx",
                                                   "pts",     "random", "shm",  "tty",    "urandom", "zero"};

void addDevice(const fs::path& path, json::Array& into) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  bool block = S_ISBLK(status.st_mode);
  if (!block && !S_ISCHR(status.st_mode)) return;
  into.push_back(json::Object{{"path", path.string()},
                              {"type", block ? "b" : "c"},
                              {"major", major(status.st_rdev)},
                              {"minor", minor(status.st_rdev)},
                              {"fileMode", status.st_mode & 07777},
                              {"uid", status.st_uid},
                              {"gid", status.st_gid}});
}

void addBelow(const fs::path& directory, json::Array& into) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error))
      addBelow(entry.path(), into);
    else
      addDevice(entry.path(), into);
  }
}

}  // namespace

json::Array hostDevices() {
  json::Array out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev", error)) {
    std::string name = entry.path().filename().string();
    if (std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end()) continue;
    if (entry.is_directory(error) && !entry.is_symlink(error))
      addBelow(entry.path(), out);
    else
      addDevice(entry.path(), out);
  }
  return out;
}

}  // namespace wherry::kubelet

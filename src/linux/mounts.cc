#include "linux/mounts.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::linux {
namespace {

// mount(2) copies its options into one page.
constexpr size_t kMaxOptions = 4000;

// proc(5): space, tab, newline and backslash stand as \ooo.
std::string unescapeOctal(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '\\' && i + 3 < text.size();
    if (escape) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// In an overlay's options a colon separates layers and a comma options.
std::string escapeOption(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (c == ':' || c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void mountOrThrow(const char* source, const std::string& target, const char* type, unsigned long flags,
                  const char* options) {
  if (::mount(source, target.c_str(), type, flags, options) != 0) base::throwErrno("mount " + target);
}

std::string overlayOptions(const Overlay& overlay, const std::string& relativeTo) {
  std::string lower;
  for (const std::string& layer : overlay.lower) {
    if (!lower.empty()) lower += ':';
    bool shorten = !relativeTo.empty() && layer.starts_with(relativeTo + "/");
    lower += escapeOption(shorten ? std::string_view(layer).substr(relativeTo.size() + 1) : std::string_view(layer));
  }
  if (overlay.upper.empty()) return "lowerdir=" + lower;
  return "lowerdir=" + lower + ",upperdir=" + escapeOption(overlay.upper) + ",workdir=" + escapeOption(overlay.work);
}

// Many layers overflow the page unless their common directory is left out; a thread of its own may change directory
// without the others.
void mountOverlayFrom(const std::string& directory, const Overlay& overlay, const std::string& target) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      if (::unshare(CLONE_FS) != 0 || ::chdir(directory.c_str()) != 0) base::throwErrno("chdir " + directory);
      mountOrThrow("overlay", target, "overlay", 0, overlayOptions(overlay, directory).c_str());
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

std::vector<Mount> parseMountInfo(std::string_view text) {
  std::vector<Mount> mounts;
  for (std::string_view line : base::split(text, '\n')) {
    auto fields = base::split(line, ' ');
    auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 5 || fields.end() - dash < 4) continue;
    const bool shared = std::any_of(fields.begin() + 5, dash, [](auto field) { return field.starts_with("shared:"); });
    mounts.push_back({unescapeOctal(fields[4]), std::string(dash[1]), unescapeOctal(dash[2]), std::string(dash[3]),
                      std::string(fields[2]), unescapeOctal(fields[3]), shared});
  }
  return mounts;
}

std::vector<Mount> readMounts() { return parseMountInfo(base::readFile("/proc/self/mountinfo")); }

namespace {

bool isAtOrBelow(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path == directory ||
         (path.starts_with(directory) && path.size() > directory.size() && path[directory.size()] == '/');
}

}  // namespace

const Mount* findMountOf(const std::vector<Mount>& mounts, std::string_view directory) {
  const Mount* found = nullptr;
  for (const Mount& mount : mounts) {
    if (!isAtOrBelow(directory, mount.target)) continue;
    if (!found || mount.target.size() >= found->target.size()) found = &mount;  // a later one covers
  }
  return found;
}

bool isBoundOnItself(const std::vector<Mount>& mounts, const std::string& directory) {
  const std::filesystem::path path(directory);
  const Mount* own = findMountOf(mounts, directory);
  const Mount* around = findMountOf(mounts, path.parent_path().string());
  if (!own || !around || own->target != directory || own->device != around->device) return false;
  return std::filesystem::path(own->root) ==
         (around->root / path.lexically_relative(around->target)).lexically_normal();
}

std::vector<std::string> targetsBelow(const std::vector<Mount>& mounts, std::string_view directory) {
  std::vector<std::string> targets;
  for (const Mount& mount : mounts) {
    if (isAtOrBelow(mount.target, directory)) targets.push_back(mount.target);
  }
  std::reverse(targets.begin(), targets.end());
  std::stable_sort(targets.begin(), targets.end(), [](auto& a, auto& b) { return a.size() > b.size(); });
  return targets;
}

void mountOverlay(const Overlay& overlay, const std::string& target) {
  std::string options = overlayOptions(overlay, {});
  if (options.size() > kMaxOptions && !overlay.lower.empty()) {
    return mountOverlayFrom(std::filesystem::path(overlay.lower[0]).parent_path().string(), overlay, target);
  }
  mountOrThrow("overlay", target, "overlay", 0, options.c_str());
}

void mountTmpfs(const std::string& target, std::string_view options) {
  mountOrThrow("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, std::string(options).c_str());
}

void bindMount(const std::string& source, const std::string& target, Access access) {
  mountOrThrow(source.c_str(), target, nullptr, MS_BIND | MS_REC, nullptr);
  if (access == Access::kReadOnly) {
    mountOrThrow(nullptr, target, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_REC, nullptr);
  }
}

void makeShared(const std::string& directory) {
  const auto mounts = readMounts();
  const Mount* holder = findMountOf(mounts, directory);
  if (holder && holder->shared) return;
  if (!holder || holder->target != directory) bindMount(directory, directory);
  mountOrThrow(nullptr, directory, nullptr, MS_SHARED | MS_REC, nullptr);
}

void unmount(const std::string& target) {
  while (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
  }
  if (errno != EINVAL && errno != ENOENT) base::throwErrno("unmount " + target);
}

void unmountBelow(const std::string& directory) {
  for (const std::string& target : targetsBelow(readMounts(), directory)) unmount(target);
}

}  // namespace wherry::linux

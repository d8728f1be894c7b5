#include "kubelet/images/layer.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "kubelet/images/tar_reader.h"

namespace wherry::kubelet {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

// "/./a//b/" is "a/b"; the root itself is "". Throws when a part is "..".
std::string cleanPath(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string_view part : base::split(path, '/')) {
    if (part == "..") throw std::runtime_error("layer entry leaves its directory: " + std::string(path));
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return base::join(parts, "/");
}

struct Place {
  std::string parent;
  std::string name;
};

Place placeOf(const std::string& clean) {
  size_t slash = clean.rfind('/');
  if (slash == std::string::npos) return {"", clean};
  return {clean.substr(0, slash), clean.substr(slash + 1)};
}

// Writes entries below one directory. Every path is resolved by the kernel as if that directory were the root, so a
// symbolic link that an earlier entry made leads nowhere else.
class LayerWriter {
 public:
  LayerWriter(const std::string& directory, const LayerLimits& limits)
      : root_(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), limits_(limits) {
    if (!root_) base::throwErrno("open " + directory);
  }

  void write(const TarEntry& entry, TarReader& reader) {
    if (++entries_ > limits_.maxEntries) throw std::runtime_error("layer has too many entries");
    std::string path = cleanPath(entry.path);
    if (path.empty()) return setAttributes(root_.get(), ".", entry);
    Place place = placeOf(path);
    base::Fd parent = openDirectory(place.parent);
    if (place.name.starts_with(kWhiteout)) return writeWhiteout(parent.get(), place.name);
    if (!entry.hardlink.empty()) return writeHardLink(parent.get(), place.name, entry);
    if (!writeNode(parent.get(), place.name, entry, reader)) return;
    setAttributes(parent.get(), place.name, entry);
  }

 private:
  base::Fd resolve(const std::string& path) const {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    return base::Fd(static_cast<int>(::syscall(SYS_openat2, root_.get(), name, &how, sizeof how)));
  }

  // Archives may leave out the directories on the way.
  base::Fd openDirectory(const std::string& path) {
    base::Fd found = resolve(path);
    if (found) return found;
    if (errno != ENOENT || path.empty()) base::throwErrno("layer directory " + path);
    Place place = placeOf(path);
    base::Fd parent = openDirectory(place.parent);
    if (::mkdirat(parent.get(), place.name.c_str(), 0755) != 0) base::throwErrno("layer directory " + path);
    found = resolve(path);
    if (!found) base::throwErrno("layer directory " + path);
    return found;
  }

  // A later entry replaces an earlier one, also a whole directory; nothing is followed on the way.
  static void makeRoom(int parent, const std::string& name) {
    if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return;
    if (errno != ENOTEMPTY && errno != EEXIST) base::throwErrno("replace " + name);
    emptyDirectory(parent, name);
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) base::throwErrno("replace " + name);
  }

  static void emptyDirectory(int parent, const std::string& name) {
    int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) base::throwErrno("replace " + name);
    std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), &::closedir);
    while (dirent* entry = ::readdir(directory.get())) {
      std::string_view inside = entry->d_name;
      if (inside != "." && inside != "..") makeRoom(fd, entry->d_name);
    }
  }

  static void makeOpaque(int directory) {
    // An O_PATH descriptor takes no xattr itself; its /proc path does.
    std::string self = "/proc/self/fd/" + std::to_string(directory);
    if (::setxattr(self.c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0) base::throwErrno("opaque directory");
  }

  // Whiteouts hide what lower layers have, not what this one brings (image-spec layer.md): a directory of this layer in
  // its place hides what is below it, anything else does so by being there.
  static void writeWhiteout(int parent, const std::string& name) {
    if (name == kOpaque) return makeOpaque(parent);
    std::string hidden = name.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == ".." || hidden.starts_with(kWhiteout)) return;
    struct stat status {};
    if (::fstatat(parent, hidden.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
      if (!S_ISDIR(status.st_mode)) return;
      base::Fd directory(::openat(parent, hidden.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!directory) base::throwErrno("whiteout " + hidden);
      return makeOpaque(directory.get());
    }
    if (::mknodat(parent, hidden.c_str(), S_IFCHR, makedev(0, 0)) != 0) base::throwErrno("whiteout " + hidden);
  }

  void writeHardLink(int parent, const std::string& name, const TarEntry& entry) {
    Place target = placeOf(cleanPath(entry.hardlink));
    base::Fd from = resolve(target.parent);
    if (!from) base::throwErrno("hard link to " + entry.hardlink);
    struct stat status {};
    bool itself =
        ::fstatat(from.get(), target.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
    if (itself) throw std::runtime_error("hard link to a directory: " + entry.hardlink);
    makeRoom(parent, name);
    if (::linkat(from.get(), target.name.c_str(), parent, name.c_str(), 0) != 0) {
      base::throwErrno("hard link " + entry.path + " to " + entry.hardlink);
    }
  }

  // False when the entry is of a type that layers have no use for.
  bool writeNode(int parent, const std::string& name, const TarEntry& entry, TarReader& reader) {
    switch (entry.type) {
      case S_IFDIR:
        makeDirectory(parent, name);
        return true;
      case S_IFREG:
        writeFile(parent, name, reader);
        return true;
      case S_IFLNK:
        makeRoom(parent, name);
        if (::symlinkat(entry.symlink.c_str(), parent, name.c_str()) != 0) base::throwErrno("symlink " + entry.path);
        return true;
      case S_IFIFO:
        makeRoom(parent, name);
        if (::mknodat(parent, name.c_str(), S_IFIFO | 0600, 0) != 0) base::throwErrno("fifo " + entry.path);
        return true;
      default:
        return false;
    }
  }

  static void makeDirectory(int parent, const std::string& name) {
    struct stat status {};
    bool there = ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && S_ISDIR(status.st_mode)) return;
    bool hidden = there && S_ISCHR(status.st_mode);  // by a whiteout of this layer
    if (there) makeRoom(parent, name);
    if (::mkdirat(parent, name.c_str(), 0755) != 0) base::throwErrno("mkdir " + name);
    if (!hidden) return;
    base::Fd directory(::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) base::throwErrno("mkdir " + name);
    makeOpaque(directory.get());
  }

  void writeFile(int parent, const std::string& name, TarReader& reader) {
    makeRoom(parent, name);
    base::Fd file(::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) base::throwErrno("create " + name);
    reader.readData([&](std::string_view piece) {
      bytes_ += piece.size();
      if (bytes_ > limits_.maxBytes) throw std::runtime_error(limits_.aboveBytes);
      base::writeAll(file.get(), piece, name);
    });
  }

  static void setAttributes(int parent, const std::string& name, const TarEntry& entry) {
    bool link = entry.type == S_IFLNK;
    if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
      base::throwErrno("chown " + name);
    if (!link && ::fchmodat(parent, name.c_str(), entry.mode & 07777, 0) != 0) base::throwErrno("chmod " + name);
    std::string self = "/proc/self/fd/" + std::to_string(parent) + "/" + name;
    for (const auto& [key, value] : entry.xattrs) {
      bool harmless = key.starts_with("user.") || key == "security.capability";
      if (harmless) ::lsetxattr(self.c_str(), key.c_str(), value.data(), value.size(), 0);
    }
    timespec times[2] = {{entry.modified, 0}, {entry.modified, 0}};
    ::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  }

  base::Fd root_;
  LayerLimits limits_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

std::string unpackLayer(const std::string& blob, const std::string& directory, const LayerLimits& limits) {
  Sha256 content;
  TarReader reader(blob, &content);
  LayerWriter writer(directory, limits);
  for (TarEntry entry; reader.next(entry);) writer.write(entry, reader);
  reader.readPadding();
  return "sha256:" + content.hex();
}

}  // namespace wherry::kubelet

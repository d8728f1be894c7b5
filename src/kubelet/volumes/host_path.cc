#include "kubelet/volumes/host_path.h"

#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"

namespace wherry::kubelet {
namespace {

struct TypeRule {
  std::string_view type;
  mode_t format;
  const char* words;
};

constexpr TypeRule kRules[] = {{"Directory", S_IFDIR, "a directory"},
                               {"DirectoryOrCreate", S_IFDIR, "a directory"},
                               {"File", S_IFREG, "a file"},
                               {"FileOrCreate", S_IFREG, "a file"},
                               {"Socket", S_IFSOCK, "a socket file"},
                               {"CharDevice", S_IFCHR, "a character device"},
                               {"BlockDevice", S_IFBLK, "a block device"}};

}  // namespace

void ensureHostPath(const std::string& path, std::string_view type) {
  struct stat status {};
  bool there = ::stat(path.c_str(), &status) == 0;
  if (!there && type == "DirectoryOrCreate") return base::makeDirectories(path);
  if (!there && type == "FileOrCreate") {
    base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file) base::throwErrno("create " + path);
    return;
  }
  for (const TypeRule& rule : kRules) {
    if (rule.type != type || (there && (status.st_mode & S_IFMT) == rule.format)) continue;
    throw std::runtime_error("hostPath type check failed: " + path + " is not " + rule.words);
  }
  if (type.empty() && !there) base::makeDirectories(path);
}

}  // namespace wherry::kubelet

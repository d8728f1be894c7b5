#include "base/sync.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::base {
namespace {

Fd openDirectory(const std::string& path) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) throwErrno("open " + path);
  return directory;
}

}  // namespace

void syncDirectory(const std::string& path) {
  if (::fsync(openDirectory(path).get()) != 0) throwErrno("sync " + path);
}

void syncFilesystem(const std::string& directory) {
  if (::syncfs(openDirectory(directory).get()) != 0) throwErrno("syncfs " + directory);
}

}  // namespace wherry::base

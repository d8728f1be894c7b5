#include "storage/database_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sync.h"

namespace wherry::storage {

namespace {

constexpr mode_t kOwnerOnly = 0600;

std::string directoryOf(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path();
  return directory.empty() ? "." : directory;
}

OpenError notWritable(const std::string& path) {
  int error = errno;
  return OpenError(
      fmt::format("{}: {}: it must be a file that this user may write, on a file system that is mounted for writing",
                  path, std::strerror(error)));
}

base::Fd openOwnerOnly(const std::string& path) {
  base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (!file) throw notWritable(path);
  if (::fchmod(file.get(), kOwnerOnly) != 0) throw notWritable(path);
  return file;
}

std::string ownerOf(int lockFile) {
  char text[32] = {};
  ssize_t size = ::pread(lockFile, text, sizeof text - 1, 0);
  return size > 0 ? fmt::format("process {}", text) : "another process";
}

base::Fd takeLock(const std::string& path) {
  base::Fd lock = openOwnerOnly(path + ".lock");
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    throw OpenError(fmt::format("{} is in use by {}: only one server can run on it; stop that one first", path,
                                ownerOf(lock.get())));
  }
  if (::ftruncate(lock.get(), 0) != 0) throw notWritable(path + ".lock");
  base::writeAll(lock.get(), std::to_string(::getpid()), path + ".lock");
  return lock;
}

}  // namespace

base::Fd claimDatabaseFile(const std::string& path) {
  std::string directory = directoryOf(path);
  if (!std::filesystem::is_directory(directory)) {
    throw OpenError(fmt::format("{}: the directory {} does not exist: make it, or name another one", path, directory));
  }
  base::Fd lock = takeLock(path);
  openOwnerOnly(path);
  base::syncDirectory(directory);
  return lock;
}

OpenError damagedDatabase(const std::string& path, std::string_view why) {
  return OpenError(
      fmt::format("{} is damaged ({}): restore it, with its -wal file, from a backup; or move it away to begin "
                  "with an empty cluster",
                  path, why));
}

void rewriteLog(const std::string& path) {
  std::string log = path + "-wal";
  auto content = base::readFileIfExists(log);
  if (!content) return;
  base::Fd file(::open(log.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) base::throwErrno("open " + log);
  base::writeAll(file.get(), *content, log);
  if (::fsync(file.get()) != 0) base::throwErrno("sync " + log);
}

}  // namespace wherry::storage

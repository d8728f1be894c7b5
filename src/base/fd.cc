#include "base/fd.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wherry::base {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

void throwErrno(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

Pipe makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throwErrno("pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::optional<std::string> readFileIfExists(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) throwErrno("open " + path);
  std::string content;
  char buffer[16384];
  for (;;) {
    ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throwErrno("read " + path);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
  }
}

std::string readFile(const std::string& path) {
  auto content = readFileIfExists(path);
  if (content) return std::move(*content);
  errno = ENOENT;
  throwErrno("open " + path);
}

void writeAll(int fd, std::string_view data, const std::string& what) {
  while (!data.empty()) {
    ssize_t count = ::write(fd, data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throwErrno("write " + what);
    data.remove_prefix(static_cast<size_t>(count));
  }
}

void writeFileAtomic(const std::string& path, std::string_view content, mode_t mode, Durability durability) {
  std::string temporary = fmt::format("{}.{}.tmp", path, ::gettid());
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) throwErrno("open " + temporary);
  if (::fchmod(fd.get(), mode) != 0) throwErrno("chmod " + temporary);
  writeAll(fd.get(), content, temporary);
  if (durability == Durability::kSynced && ::fsync(fd.get()) != 0) throwErrno("fsync " + temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    int error = errno;
    ::unlink(temporary.c_str());
    errno = error;
    throwErrno("rename " + temporary);
  }
  if (durability != Durability::kSynced) return;
  Fd directory(::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
}

void makeDirectories(const std::string& path, mode_t mode) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return;
  auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && parent != path) makeDirectories(parent.string());
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) throwErrno("mkdir " + path);
}

void setCloseOnExec(int fd, bool closeOnExec) {
  if (::fcntl(fd, F_SETFD, closeOnExec ? FD_CLOEXEC : 0) != 0) throwErrno("fcntl F_SETFD");
}

}  // namespace wherry::base

// File descriptors that close themselves, and the few file operations the product needs, all of them throwing
// std::system_error with the path in its text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

namespace wherry::base {

// Owns one descriptor. Movable; not thread-safe.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

// Both ends close-on-exec.
Pipe makePipe();

// Throws std::system_error made of errno: "open /etc/x: Permission denied".
[[noreturn]] void throwErrno(const std::string& what);

std::string readFile(const std::string& path);
std::optional<std::string> readFileIfExists(const std::string& path);

// Writes beside `path` and renames, so that a reader sees the old or the new content and a crash leaves one of them.
enum class Durability { kBuffered, kSynced };
void writeFileAtomic(const std::string& path, std::string_view content, mode_t mode = 0644,
                     Durability durability = Durability::kBuffered);

void writeAll(int fd, std::string_view data, const std::string& what);
void makeDirectories(const std::string& path, mode_t mode = 0755);
void setCloseOnExec(int fd, bool closeOnExec);

}  // namespace wherry::base

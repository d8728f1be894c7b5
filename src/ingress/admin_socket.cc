#include "ingress/admin_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::ingress {
namespace {

constexpr size_t kLongestLine = 8000;  // half of HAProxy's buffer
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

base::Fd connectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error(path + ": the path is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) base::throwErrno("socket");
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) base::throwErrno(path);
  return fd;
}

}  // namespace

std::string AdminSocket::ask(std::string_view command) const {
  base::Fd fd = connectTo(path_);
  base::writeAll(fd.get(), std::string(command) + "\n", path_);
  std::string answer;
  std::array<char, 16384> buffer;
  while (true) {
    ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::throwErrno(path_);
    if (got == 0) return answer;
    answer.append(buffer.data(), static_cast<size_t>(got));
  }
}

void AdminSocket::run(const std::vector<std::string>& commands) const {
  std::string line;
  auto flush = [&] {
    if (line.empty()) return;
    std::string refusal = findRefusal(ask(line));
    line.clear();
    if (!refusal.empty()) throw std::runtime_error(refusal);
  };
  for (const std::string& command : commands) {
    if (line.size() + command.size() > kLongestLine) flush();
    if (!line.empty()) line += ';';
    line += command;
  }
  flush();
}

std::string findRefusal(std::string_view answers) {
  constexpr std::array<std::string_view, 5> kRefusals = {"No such", "Unknown", "Can't", "Invalid", "unable to"};
  for (std::string_view line : base::split(answers, '\n')) {
    bool isRefusal =
        std::any_of(kRefusals.begin(), kRefusals.end(), [&](std::string_view r) { return line.starts_with(r); });
    if (isRefusal) return std::string(line);
  }
  return "";
}

}  // namespace wherry::ingress

#include "main/service_notifier.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/log.h"

namespace wherry::main {

ServiceNotifier ServiceNotifier::takeFromEnvironment() {
  ServiceNotifier notifier;
  if (const char* socket = ::getenv("NOTIFY_SOCKET")) notifier.socket_ = socket;
  ::unsetenv("NOTIFY_SOCKET");
  return notifier;
}

void ServiceNotifier::notify(std::string_view lines) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ssize_t sent = -1;
  errno = ENAMETOOLONG;
  if (fd && socket_.size() < sizeof address.sun_path) {
    socket_.copy(address.sun_path, socket_.size());
    if (socket_.front() == '@') address.sun_path[0] = '\0';
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    sent = ::sendto(fd.get(), lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                    length);
  }
  if (sent < 0) base::Log("server").warn("telling the supervisor at {}: {}", socket_, std::strerror(errno));
}

}  // namespace wherry::main

// What the service supervisor that started this process is told (sd_notify(3), systemd's Type=notify): one datagram of
// lines such as READY=1. Without a supervisor nothing happens. Safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace wherry::main {

class ServiceNotifier {
 public:
  // Takes $NOTIFY_SOCKET out of the environment, before any thread is made: conmon and crun would take it for theirs,
  // and wait for the container to say that it is ready.
  static ServiceNotifier takeFromEnvironment();

  // Failures are logged: a server that runs is no worse for a supervisor that is deaf.
  void notify(std::string_view lines) const;

 private:
  std::string socket_;  // a path, or '@' and an abstract name; empty: nobody asked
};

}  // namespace wherry::main

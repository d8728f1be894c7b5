// The HAProxy beside us: started, reloaded, watched. It is a daemon of its own, so that it goes on when this process
// stops, and is found again by what is in its directory. A reload starts another one, which takes over the listening
// sockets of the one before; that one ends when its connections have, after ten minutes at the latest.
//
// Not thread-safe, but for onEnd, which is called on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingress/admin_socket.h"
#include "ingress/haproxy_config.h"

namespace wherry::ingress {

// What HAProxy says of a configuration that it does not take. The one before stays in force.
struct Refusal {
  std::string words;
  int line = 0;  // of the configuration; 0: it names none
};

// What HAProxy wrote to stderr, for people: without process numbers and file names. Pure.
Refusal readRefusal(const std::string& words, const std::string& configurationFile);

class HAProxy {
 public:
  // `onEnd` hears that it ended without being told to. `accessLog` is a descriptor that it writes lines to; -1: none.
  HAProxy(const Settings& settings, std::function<void()> onEnd, int accessLog = -1);
  ~HAProxy();  // leaves it alone
  HAProxy(const HAProxy&) = delete;
  HAProxy& operator=(const HAProxy&) = delete;

  bool running() const;
  // Starts it, or replaces the one that runs. Takes as long as HAProxy needs to start: meanwhile, `waiting` is called
  // again and again, after `wake` for the last time; all but load() and stop() may be called by it, and is about the
  // one that ran before. Throws std::system_error (the directory; no such program).
  std::optional<Refusal> load(const Shape& shape, const std::string& configuration,
                              const std::function<void()>& waiting, const std::function<void()>& wake);
  // A certificate whose file is there already under this name. Throws as AdminSocket, std::runtime_error.
  void replaceCertificate(const std::string& name, const std::string& pem) const;
  // Of the one that runs. REQUIRES: running(), or it ended a moment ago.
  AdminSocket admin() const;
  // Lets it finish what is under way, and end.
  void stop();

 private:
  struct Watch;
  void watch(pid_t pid);

  const Settings settings_;
  const std::function<void()> onEnd_;
  const int accessLog_;
  std::string runs_;  // "a" or "b": the one that is there has files and a socket of this name
  std::unique_ptr<Watch> watch_;
};

// Ends those that run with this directory, at once, also those that only finish what is under way (`wherry reset`).
void endHAProxy(const std::string& directory);

}  // namespace wherry::ingress

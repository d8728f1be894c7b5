// The HAProxy beside us: started, reloaded, watched. It is a daemon of its own, so that it goes on when this process
// stops, and is found again by what is in its directory. A reload starts another one, which takes over the listening
// sockets of the one before; that one ends when its connections have, after ten minutes at the latest. As whom it is
// started says haproxy_account.h.
//
// Not thread-safe, but for Listener's functions, which are called on threads of their own.
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
  struct Listener {
    std::function<void()> onEnd;        // it ended without being told to
    std::function<void()> onFormerEnd;  // one that was told to has, for which preservesClientIp() held
  };
  // `accessLog` is a descriptor that it writes lines to; -1: none.
  HAProxy(const Settings& settings, Listener listener, int accessLog = -1);
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
  // Whether it, or one before it that has connections yet, came to pods under clients' addresses.
  bool preservesClientIp() const;

 private:
  struct Watch;
  struct Launch;
  Launch prepare(const Shape& shape, const std::string& configuration, const std::string& name) const;
  void watch(pid_t pid, bool preservesClientIp);
  void retire();

  const Settings settings_;
  const Listener listener_;
  const int accessLog_;
  std::string socket_;  // of the one that is there, or was
  std::unique_ptr<Watch> watch_;
  std::vector<std::unique_ptr<Watch>> former_;  // which end by themselves
};

// Ends those that run with this directory, at once, also those that only finish what is under way (`wherry reset`).
void endHAProxy(const std::string& directory);

}  // namespace wherry::ingress

// ConsoleSocket: where crun hands over the terminal that it made inside a container: it connects and sends the
// descriptor. Which crun it is, the kernel says. On the loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <sys/types.h>

#include "base/fd.h"
#include "net/event_loop.h"

namespace wherry::kubelet {

class ConsoleSocket : public net::EventLoop::Source, public std::enable_shared_from_this<ConsoleSocket> {
 public:
  using OnTerminal = std::function<void(base::Fd)>;

  // Makes the socket at `path`, in the place of an earlier one. Throws std::system_error.
  ConsoleSocket(std::shared_ptr<net::EventLoop> loop, std::string path);
  ~ConsoleSocket() override;

  const std::string& path() const { return path_; }
  void listen();
  // `handler` is called at most once, with the terminal of that process.
  void expect(pid_t pid, OnTerminal handler) { expected_[pid] = std::move(handler); }
  void forget(pid_t pid) { expected_.erase(pid); }
  void onReady(uint32_t events) override;

 private:
  class Delivery;
  void deliver(pid_t pid, base::Fd terminal);

  const std::shared_ptr<net::EventLoop> loop_;
  const std::string path_;
  base::Fd listener_;
  std::map<pid_t, OnTerminal> expected_;
};

}  // namespace wherry::kubelet

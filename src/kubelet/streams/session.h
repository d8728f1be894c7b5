// What an exec and an attach have in common: a life on the loop's thread that others may end from elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "net/event_loop.h"

namespace wherry::kubelet {

class Session {
 public:
  virtual ~Session() = default;
  virtual void start() = 0;
};

// The sessions that live. On the loop's thread only.
using Sessions = std::set<std::shared_ptr<Session>>;

struct SessionContext {
  std::shared_ptr<net::EventLoop> loop;
  std::shared_ptr<Sessions> sessions;  // a session takes itself out when it is over
};

}  // namespace wherry::kubelet

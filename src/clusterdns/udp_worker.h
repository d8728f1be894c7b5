// One thread that answers UDP queries in batches (recvmmsg, sendmmsg). Its socket shares the port with the other
// threads'.
#pragma once

#include <memory>
#include <thread>

#include "base/fd.h"
#include "clusterdns/serving.h"

namespace wherry::clusterdns {

class UdpWorker {
 public:
  // `socket`: bound.
  UdpWorker(base::Fd socket, Serving& serving);
  ~UdpWorker();  // stops

 private:
  class Loop;

  std::shared_ptr<base::Fd> socket_;  // shared with replies that are still on their way
  std::jthread thread_;
};

}  // namespace wherry::clusterdns

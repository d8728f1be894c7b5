// One thread that answers UDP queries in batches (recvmmsg, sendmmsg). Its socket shares the port with the other
// threads'.
#pragma once

#include <memory>
#include <thread>

#include "base/fd.h"
#include "clusterdns/answer.h"
#include "clusterdns/shared_zone.h"
#include "clusterdns/upstreams.h"

namespace wherry::clusterdns {

class UdpWorker {
 public:
  // `socket`: bound, non-blocking.
  UdpWorker(base::Fd socket, const SharedZone& zone, AnswerOptions answers, std::shared_ptr<Upstreams> upstreams);
  ~UdpWorker();  // stops

 private:
  void run(std::stop_token stop);

  std::shared_ptr<base::Fd> socket_;  // shared with replies that are still on their way
  base::Fd wake_;
  const SharedZone& zone_;
  AnswerOptions answers_;
  std::shared_ptr<Upstreams> upstreams_;
  std::jthread thread_;
};

}  // namespace wherry::clusterdns

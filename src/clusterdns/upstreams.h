// Names outside of the cluster: the node's resolvers, as resolv.conf names them now, and what they answer. On the event
// loop's thread, but for available() and post().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "clusterdns/answer.h"
#include "clusterdns/forwarder.h"
#include "clusterdns/shared_zone.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

class Upstreams : public net::EventLoop::Source, public std::enable_shared_from_this<Upstreams> {
 public:
  using Reply = std::function<void(std::string_view response)>;

  Upstreams(net::EventLoop& loop, const SharedZone& zone, AnswerOptions answers, std::string resolvConf,
            std::string own, uint16_t port);

  // Reads resolv.conf and follows its changes.
  void start();
  // There is somebody to ask. Any thread.
  bool available() const { return available_.load(std::memory_order_relaxed); }
  // Resolves `packet`, which an Answerer said to forward, and hands over the response, at most `limit` bytes of it.
  // `reply` is called on the loop's thread. Any thread.
  void post(std::string packet, Outcome outcome, dns::Name target, Transport transport, size_t limit, Reply reply);

  void onReady(uint32_t events) override;

 private:
  void readServers();
  void forward(const std::string& packet, Transport transport, size_t limit, const Reply& reply);
  void resolveTarget(const std::string& packet, const dns::Name& target, Transport transport, size_t limit,
                     const Reply& reply);

  net::EventLoop& loop_;
  ZoneReader zone_;
  Answerer answerer_;
  dns::ResponseWriter writer_;
  Forwarder forwarder_;
  std::string resolvConf_;
  std::string own_;
  base::Fd watch_;
  std::atomic<bool> available_{false};
};

}  // namespace wherry::clusterdns

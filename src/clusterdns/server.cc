#include "clusterdns/server.h"

#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>

#include "clusterdns/serving.h"
#include "clusterdns/shared_zone.h"
#include "clusterdns/socket_address.h"
#include "clusterdns/tcp_listener.h"
#include "clusterdns/udp_worker.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {
namespace {

uint16_t boundPort(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) base::throwErrno("getsockname");
  // The port stands at the same place for both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

class RunningServer : public Server {
 public:
  RunningServer(const ServerOptions& options, std::shared_ptr<const Zone> zone)
      : zone_(std::move(zone)),
        serving_{.zone = zone_,
                 .answers = options.answers,
                 .limits = options.limits,
                 .upstreams = std::make_shared<Upstreams>(loop_, zone_,
                                                          UpstreamsOptions{.answers = options.answers,
                                                                           .forward = options.forward,
                                                                           .cache = options.cache,
                                                                           .times = options.forwardTimes,
                                                                           .resolvConf = options.resolvConf,
                                                                           .port = options.upstreamPort,
                                                                           .own = options.address}),
                 .loopCounts = newQueryCounts(),
                 .limiter = RateLimiter(options.limits.answersPerSecond),
                 .searching = options.searching} {
    base::Fd listening = bindSocket(options.address, options.port, SOCK_STREAM);
    if (::listen(listening.get(), SOMAXCONN) != 0) base::throwErrno("listen");
    port_ = boundPort(listening.get());
    std::vector<base::Fd> sockets;
    for (unsigned i = 0; i < options.threads; ++i) sockets.push_back(bindSocket(options.address, port_, SOCK_DGRAM));

    auto tcp = std::make_shared<TcpListener>(loop_, std::move(listening), serving_);
    // Before there is a thread of the loop's, so that the first query finds them.
    serving_.upstreams->start();
    tcp->start();
    loopThread_ = std::jthread([this] { loop_.run(); });
    for (base::Fd& socket : sockets) workers_.push_back(std::make_unique<UdpWorker>(std::move(socket), serving_));
  }

  ~RunningServer() override {
    workers_.clear();
    loop_.stop();
  }

  uint16_t port() const override { return port_; }
  void publish(std::shared_ptr<const Zone> zone) override { zone_.publish(std::move(zone)); }
  void configure(DnsConfigMap configMap) override { serving_.upstreams->setConfigMap(std::move(configMap)); }

 private:
  SharedZone zone_;
  net::EventLoop loop_;
  Serving serving_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<UdpWorker>> workers_;
  std::jthread loopThread_;
};

}  // namespace

std::unique_ptr<Server> startServer(ServerOptions options, std::shared_ptr<const Zone> zone) {
  return std::make_unique<RunningServer>(options, std::move(zone));
}

}  // namespace wherry::clusterdns

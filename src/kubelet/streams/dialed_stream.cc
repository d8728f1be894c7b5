#include "kubelet/streams/dialed_stream.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>

#include "base/strings.h"
#include "linux/namespaces.h"
#include "net/socket.h"
#include "net/socket_stream.h"

namespace wherry::kubelet {
namespace {

std::string wordsOf(int error) { return base::toLower(std::generic_category().message(error)); }

class Dial : public net::EventLoop::Source, public std::enable_shared_from_this<Dial> {
 public:
  Dial(std::shared_ptr<net::EventLoop> loop, DialTarget target, client::OnDialed done)
      : loop_(std::move(loop)), target_(std::move(target)), done_(std::move(done)) {}

  void next() {
    static constexpr const char* kHosts[] = {"127.0.0.1", "::1"};
    while (tried_ < 2) {
      const char* host = kHosts[tried_++];
      try {
        connect(host);
        return loop_->add(socket_.get(), EPOLLOUT, shared_from_this());
      } catch (const std::system_error& error) {
        addFailure(error.code().value());
      }
    }
    done_(nullptr, fmt::format("failed to connect to localhost:{} inside namespace \"{}\", {}", target_.port,
                               target_.sandbox, failures_));
  }

  void onReady(uint32_t) override {
    loop_->remove(socket_.get());
    int error = net::connectError(socket_.get());
    if (error == 0) return done_(net::newSocketStream(loop_, net::newPlainTransport(std::move(socket_))), "");
    addFailure(error);
    next();
  }

 private:
  void connect(const char* host) {
    auto begin = [&] { socket_ = net::beginConnect({.host = host, .port = target_.port}); };
    if (target_.netns.empty()) return begin();
    linux::runInNetworkNamespace(target_.netns, begin);
  }

  void addFailure(int error) {
    bool first = tried_ == 1;
    failures_ += fmt::format(
        fmt::runtime(first ? "IPv4: dial tcp4 127.0.0.1:{}: connect: {}" : " IPv6 dial tcp6: [::1]:{}: connect: {}"),
        target_.port, wordsOf(error));
  }

  const std::shared_ptr<net::EventLoop> loop_;
  const DialTarget target_;
  const client::OnDialed done_;
  base::Fd socket_;
  int tried_ = 0;
  std::string failures_;
};

}  // namespace

void dialPod(const std::shared_ptr<net::EventLoop>& loop, DialTarget target, client::OnDialed done) {
  auto dial = std::make_shared<Dial>(loop, std::move(target), std::move(done));
  loop->post([dial] { dial->next(); });
}

}  // namespace wherry::kubelet

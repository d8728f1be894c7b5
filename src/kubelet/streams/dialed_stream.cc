#include "kubelet/streams/dialed_stream.h"

#include <cctype>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strings.h"
#include "kubelet/streams/inflow.h"
#include "kubelet/streams/outflow.h"
#include "linux/namespaces.h"
#include "net/socket.h"

namespace wherry::kubelet {
namespace {

// What both flows of a connection share, so that the last of them closes it for good.
class SocketStream : public client::ByteStream {
 public:
  SocketStream(std::shared_ptr<net::EventLoop> loop, base::Fd socket)
      : loop_(std::move(loop)), shared_(std::make_shared<Shared>()) {
    base::Fd copy(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) base::throwErrno("dup");
    shared_->out = std::make_shared<Outflow>(loop_, Outflow::End::kShutdown);
    shared_->in = std::make_shared<Inflow>(loop_, std::move(socket), handlers(shared_));
    shared_->out->onFailed([weak = std::weak_ptr(shared_)](int) {
      if (auto shared = weak.lock()) shared->lose();
    });
    loop_->post(
        [shared = shared_, fd = std::make_shared<base::Fd>(std::move(copy))] { shared->out->open(std::move(*fd)); });
  }
  ~SocketStream() override { close(); }

  bool write(std::string_view data) override { return shared_->out->write(data); }
  void finish() override { shared_->out->finish(); }
  void onWritable(std::function<void()> handler) override { shared_->out->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { set(&Callbacks::closed, std::move(handler)); }
  void onEnd(std::function<void()> handler) override { set(&Callbacks::end, std::move(handler)); }
  void onRead(std::function<void(std::string_view)> handler) override {
    set(&Callbacks::read, std::move(handler));
    shared_->in->start();
  }
  void pauseReading(bool paused) override { paused ? shared_->in->hold() : shared_->in->resume(); }
  void close() override {
    loop_->post([shared = shared_] { shared->drop(); });
  }

 private:
  struct Callbacks {
    std::function<void(std::string_view)> read;
    std::function<void()> end, closed;
  };
  struct Shared {
    std::shared_ptr<Inflow> in;
    std::shared_ptr<Outflow> out;
    base::Guarded<Callbacks> callbacks;

    // The connection is broken: both ways are over, and its user is told.
    void lose() {
      auto gone = drop();
      if (gone.closed) gone.closed();
    }
    Callbacks drop() {
      in->stop();
      out->close();
      return callbacks.with([](Callbacks& all) { return std::exchange(all, {}); });
    }
  };

  static Inflow::Handlers handlers(const std::weak_ptr<Shared>& weak) {
    return {.data =
                [weak](std::string_view data) {
                  auto shared = weak.lock();
                  auto read = shared ? shared->callbacks.with([](Callbacks& all) { return all.read; }) : nullptr;
                  if (read) read(data);
                  return true;
                },
            .end =
                [weak](int error) {
                  auto shared = weak.lock();
                  if (!shared) return;
                  if (error != 0) return shared->lose();
                  auto end = shared->callbacks.with([](Callbacks& all) { return std::exchange(all.end, {}); });
                  if (end) end();
                }};
  }

  template <typename Handler>
  void set(Handler Callbacks::*which, Handler handler) {
    shared_->callbacks.with([&](Callbacks& all) { std::swap(all.*which, handler); });
  }

  const std::shared_ptr<net::EventLoop> loop_;
  const std::shared_ptr<Shared> shared_;
};

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
    if (error == 0) return finish();
    addFailure(error);
    next();
  }

 private:
  void connect(const char* host) {
    auto begin = [&] { socket_ = net::beginConnect({.host = host, .port = target_.port}); };
    if (target_.netns.empty()) return begin();
    linux::runInNetworkNamespace(target_.netns, begin);
  }

  void finish() {
    std::shared_ptr<client::ByteStream> stream;
    try {
      stream = newSocketStream(loop_, std::move(socket_));
    } catch (const std::system_error& error) {
      return done_(nullptr, error.what());
    }
    done_(std::move(stream), "");
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

std::shared_ptr<client::ByteStream> newSocketStream(const std::shared_ptr<net::EventLoop>& loop, base::Fd socket) {
  return std::make_shared<SocketStream>(loop, std::move(socket));
}

}  // namespace wherry::kubelet

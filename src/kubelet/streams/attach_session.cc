#include "kubelet/streams/attach_session.h"

#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kubelet/streams/client_session.h"
#include "kubelet/streams/container_terminal.h"

namespace wherry::kubelet {
namespace {

using Output = client::ProcessStreams::Output;

// What conmon takes in one packet.
constexpr size_t kLargestPacket = 8 << 10;
// The first byte of each packet that it sends.
constexpr char kStderrPacket = 3;

// The bundle's path may be longer than a socket's address can be, so it is named by a descriptor.
base::Fd connectTo(const std::string& bundle) {
  base::Fd directory(::open(bundle.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) base::throwErrno("open " + bundle);
  base::Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) base::throwErrno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = fmt::format("/proc/self/fd/{}/attach", directory.get());
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    base::throwErrno("connect " + bundle + "/attach");
  }
  return socket;
}

class AttachSession : public ClientSession {
 public:
  AttachSession(const SessionContext& context, const Crun& crun, std::shared_ptr<ParkedConnections> parked,
                AttachTarget target, client::ProcessOptions options, std::shared_ptr<client::ProcessStreams> client)
      : ClientSession(context, std::move(client), newStdin(context, target)),
        crun_(crun),
        parked_(std::move(parked)),
        target_(std::move(target)),
        options_(std::move(options)) {}

 private:
  static std::shared_ptr<Outflow> newStdin(const SessionContext& context, const AttachTarget& target) {
    bool ends = target.stdinOnce && !target.tty;
    return std::make_shared<Outflow>(context.loop, ends ? Outflow::End::kShutdown : Outflow::End::kNothing,
                                     kLargestPacket);
  }

  void begin() override {
    try {
      connect();
    } catch (const std::exception& error) {
      return finish({.error = fmt::format("attaching to the container failed: {}", error.what())});
    }
    Inflow::Handlers handlers{.data = [this](std::string_view packet) { return send(packet); },
                              .end = [this](int) { onEnd(); }};
    flow_->setHandlers(std::move(handlers));
    flow_->start();
  }

  bool takesStdin() const { return target_.stdin && options_.stdin; }
  bool mustNotClose() const { return target_.stdin && target_.stdinOnce && !takesStdin(); }

  void connect() {
    auto waiting = parked_->find(target_.bundle);
    if (mustNotClose() && waiting != parked_->end()) {
      flow_ = std::move(waiting->second.back());
      waiting->second.pop_back();
      if (waiting->second.empty()) parked_->erase(waiting);
      return stdin_->close();
    }
    base::Fd socket = connectTo(target_.bundle);
    base::Fd writer(takesStdin() ? ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0) : -1);
    flow_ = std::make_shared<Inflow>(context_.loop, std::move(socket), Inflow::Handlers{});
    if (writer) {
      stdin_->open(std::move(writer));
    } else {
      stdin_->close();  // what the client sends goes nowhere
    }
  }

  bool send(std::string_view packet) {
    Output output = packet.front() == kStderrPacket ? Output::kStderr : Output::kStdout;
    bool wanted = output == Output::kStderr ? options_.stderr : options_.stdout;
    return wanted ? client_->write(output, packet.substr(1)) : true;
  }

  void onResize(client::TerminalSize size) override {
    if (target_.tty) resizeTerminal(crun_, target_.id, target_.bundle, size);
  }

  void onWritable() override {
    if (flow_) flow_->resume();
  }

  void onEnd() {
    flow_.reset();
    finish({});
  }

  void onClientGone() override {
    if (flow_ && mustNotClose()) park();
    close();
  }

  void park() {
    auto drop = [parked = parked_, bundle = target_.bundle](int) {
      // Whichever of them ends: all do, for the container has.
      parked->erase(bundle);
    };
    flow_->setHandlers({.data = [](std::string_view) { return true; }, .end = drop});
    flow_->resume();
    (*parked_)[target_.bundle].push_back(std::move(flow_));
    flow_.reset();
  }

  void closeFlows() override {
    stdin_->close();
    if (auto flow = std::exchange(flow_, nullptr)) flow->stop();
  }

  const Crun& crun_;
  const std::shared_ptr<ParkedConnections> parked_;
  const AttachTarget target_;
  const client::ProcessOptions options_;
  std::shared_ptr<Inflow> flow_;
};

}  // namespace

std::shared_ptr<Session> newAttachSession(const SessionContext& context, const Crun& crun,
                                          std::shared_ptr<ParkedConnections> parked, AttachTarget target,
                                          client::ProcessOptions options,
                                          std::shared_ptr<client::ProcessStreams> client) {
  auto session = std::make_shared<AttachSession>(context, crun, std::move(parked), std::move(target),
                                                 std::move(options), std::move(client));
  session->followClient();
  return session;
}

}  // namespace wherry::kubelet

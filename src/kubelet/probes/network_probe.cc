#include "kubelet/probes/network_probe.h"

#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "kubelet/probes/http_probe.h"
#include "net/chunked.h"
#include "net/http_head.h"

namespace wherry::kubelet {
namespace {

// As much of an answer's body is waited for as elsewhere; what comes after it is not the probe's business.
constexpr uint64_t kBodyWaitedFor = 10 << 10;

std::optional<sockaddr_in> addressOf(const net::Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) != 1) return std::nullopt;
  return address;
}

// A connection under way. It lives for milliseconds, so it needs none of what long-lived ones do.
base::Fd startConnecting(const net::Endpoint& endpoint) {
  auto address = addressOf(endpoint);
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) base::throwErrno("socket");
  // The handshake's last packet waits for the request, and takes it along.
  int off = 0;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&*address), sizeof *address) != 0 && errno != EINPROGRESS) {
    base::throwErrno("connect");
  }
  return fd;
}

bool isConnected(int fd) {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

// Nothing for a path that can't be sent.
std::optional<std::string> render(const net::Request& request) {
  std::string target = request.path + (request.query.empty() ? "" : "?" + request.query);
  if (target.find_first_of(" \r\n") != std::string::npos) return std::nullopt;
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, target);
  net::appendFields(text, request.headers, {"content-length", "transfer-encoding"});
  return text + "\r\n";
}

class Exchange : public net::EventLoop::Source, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(net::EventLoop& loop, std::shared_ptr<const NetworkProbe> probe, ProbeWait wait, NetworkProbeDone done)
      : loop_(loop),
        probe_(std::move(probe)),
        done_(std::move(done)),
        lookAt_(wait.lookAt),
        deadline_(loop.now() + wait.timeout),
        unsent_(probe_->request) {}

  void start(const net::TlsContext* tls) {
    try {
      base::Fd socket = startConnecting(probe_->endpoint);
      if (!probe_->tls) sendAtOnce(socket.get());
      transport_ =
          probe_->tls ? tls->wrap(std::move(socket), probe_->endpoint.host) : net::newPlainTransport(std::move(socket));
      bool sent = connected_ && unsent_.empty();
      if (!sent) return await(EPOLLOUT);
      if (lookAt_ <= loop_.now() || lookAt_ >= deadline_) return await(EPOLLIN);
      timer_ = loop_.addTimer(lookAt_, [self = shared_from_this()] { self->onReady(0); });
    } catch (const std::system_error& error) {
      startError_ = error.code().value();
      loop_.defer(shared_from_this());
    }
  }

  void onReady(uint32_t) override {
    if (!done_) return;
    if (!connected_) {
      if (int error = startError_ ? startError_ : net::connectError(transport_->fd())) return failConnect(error);
      if (!isConnected(transport_->fd())) return;  // woken for a descriptor that had our number before
      connected_ = true;
      if (probe_->request.empty()) return finish(ProbeAnswer{true, {}});
    }
    if (!shaken_ && !shakeHands()) return;
    if (!unsent_.empty()) return send();
    receive();
  }

 private:
  // A pod of this node has answered the handshake by the time that connect() returns: one wait less.
  void sendAtOnce(int socket) {
    if (unsent_.empty()) return;
    ssize_t count = ::send(socket, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) base::throwErrno("connect");
    if (count <= 0) return;
    connected_ = true;
    unsent_.remove_prefix(static_cast<size_t>(count));
  }

  void finish(std::optional<ProbeAnswer> answer) {
    loop_.cancelTimer(timer_);
    auto done = std::exchange(done_, nullptr);
    auto self = shared_from_this();  // the loop lets go of us
    if (awaited_ != 0) loop_.remove(transport_->fd());
    transport_.reset();
    done(std::move(answer));
  }

  void fail(const std::string& why) {
    bool http = !probe_->request.empty();
    finish(ProbeAnswer{false, http ? fmt::format("Get \"{}\": {}", probe_->url, why) : why});
  }

  void failConnect(int error) { fail(dialMessage(probe_->endpoint.host, probe_->endpoint.port, error)); }

  void timedOut() {
    if (!done_) return;
    if (probe_->request.empty() || !connected_) return failConnect(ETIMEDOUT);
    fail(fmt::format("context deadline exceeded (Client.Timeout {})",
                     head_ ? "or context cancellation while reading body" : "exceeded while awaiting headers"));
  }

  // The loop wakes us for this alone, and for the end of our time.
  void await(uint32_t events) {
    if (awaited_ == 0) {
      timer_ = loop_.addTimer(deadline_, [self = shared_from_this()] { self->timedOut(); });
      loop_.add(transport_->fd(), events, shared_from_this());
    } else if (awaited_ != events) {
      loop_.modify(transport_->fd(), events);
    }
    awaited_ = events;
  }

  bool shakeHands() {
    net::IoStatus status = transport_->handshake();
    shaken_ = status == net::IoStatus::kOk;
    if (status == net::IoStatus::kBlocked) await(transport_->wantsWrite() ? EPOLLOUT : EPOLLIN);
    if (status == net::IoStatus::kEnded) fail("EOF");
    if (status == net::IoStatus::kFailed) fail(transport_->failure());
    return shaken_;
  }

  void send() {
    while (!unsent_.empty()) {
      net::IoResult result = transport_->write(unsent_);
      if (result.status == net::IoStatus::kBlocked) return await(EPOLLOUT);
      if (result.status != net::IoStatus::kOk) return fail(transport_->failure());
      unsent_.remove_prefix(result.count);
    }
    await(EPOLLIN);
  }

  void receive() {
    while (done_) {
      net::IoResult result = transport_->read(loop_.readBuffer(), net::EventLoop::kBufferSize);
      switch (result.status) {
        case net::IoStatus::kBlocked:
          return await(EPOLLIN);
        case net::IoStatus::kFailed:
          return fail(transport_->failure());
        case net::IoStatus::kEnded:
          return ended();
        case net::IoStatus::kOk:
          take({loop_.readBuffer(), result.count});
      }
    }
  }

  void ended() {
    if (!head_) return fail("EOF");
    if (head_->framing != net::Framing::kUntilClose) return fail("unexpected EOF");
    answer();
  }

  void take(std::string_view bytes) {
    if (head_) return takeBody(bytes);
    input_.append(bytes);
    auto parsed = net::parseResponseHead(input_, "GET");
    if (auto* error = std::get_if<net::HeadError>(&parsed)) {
      return fail(
          fmt::format("net/http: HTTP/1.x transport connection broken: malformed HTTP response: {}", error->why));
    }
    auto* head = std::get_if<net::ResponseHead>(&parsed);
    if (!head) return;
    std::string rest = input_.substr(head->size);
    input_.clear();
    // RFC 9110 section 15.2: interim answers come before the one that counts.
    if (head->status >= 200) head_ = std::move(*head);
    if (head_ || !rest.empty()) take(rest);
  }

  void takeBody(std::string_view bytes) {
    received_ += bytes.size();
    bool all = head_->framing == net::Framing::kNone;
    if (head_->framing == net::Framing::kLength) all = received_ >= head_->contentLength;
    if (head_->framing == net::Framing::kChunked) {
      std::string ignored;
      chunks_.decode(bytes, ignored);
      if (chunks_.state() == net::ChunkedDecoder::State::kMalformed) return fail("invalid byte in chunk length");
      all = chunks_.state() == net::ChunkedDecoder::State::kDone;
    }
    if (all || received_ >= kBodyWaitedFor) answer();
  }

  void answer() {
    int status = head_->status;
    if (status >= 300 && status < 400 && !head_->headers.get("Location").empty()) return finish(std::nullopt);
    if (status >= 200 && status < 400) return finish(ProbeAnswer{true, {}});
    finish(ProbeAnswer{false, fmt::format("HTTP probe failed with statuscode: {}", status)});
  }

  net::EventLoop& loop_;
  std::shared_ptr<const NetworkProbe> probe_;
  NetworkProbeDone done_;  // null once it was called
  base::MonotonicTime lookAt_;
  base::MonotonicTime deadline_;
  net::EventLoop::TimerId timer_;
  std::unique_ptr<net::Transport> transport_;
  int startError_ = 0;
  bool connected_ = false;
  bool shaken_ = false;
  uint32_t awaited_ = 0;  // 0: the loop doesn't know of us yet
  std::string_view unsent_;
  std::string input_;  // of the head, until all of it is there
  std::optional<net::ResponseHead> head_;
  uint64_t received_ = 0;  // bytes after the head
  net::ChunkedDecoder chunks_;
};

}  // namespace

std::optional<NetworkProbe> networkProbeOf(const core_v1::Probe& probe, const ProbeTarget& target) {
  bool http = probe.hasHttpGet();
  if (!http && !probe.hasTcpSocket()) return std::nullopt;
  auto port = findPort(http ? probe.httpGet().port() : probe.tcpSocket().port(), target.container);
  std::string host(http ? probe.httpGet().host() : probe.tcpSocket().host());
  if (host.empty()) host = target.ip;
  bool portFits = port && *port > 0 && *port < 65536;
  if (!portFits || !addressOf({.host = host})) return std::nullopt;
  NetworkProbe out{.endpoint = {.host = host, .port = static_cast<uint16_t>(*port)}};
  if (!http) return out;
  out.tls = probe.httpGet().scheme() == "HTTPS";
  std::string authority = fmt::format("{}:{}", host, *port);
  net::Request request = httpProbeRequest(probe.httpGet(), authority);
  auto text = render(request);
  if (!text) return std::nullopt;
  std::string query = request.query.empty() ? "" : "?" + request.query;
  out.url = fmt::format("{}://{}{}{}", out.tls ? "https" : "http", authority, request.path, query);
  out.request = std::move(*text);
  return out;
}

void startNetworkProbe(net::EventLoop& loop, std::shared_ptr<const NetworkProbe> probe, const net::TlsContext* tls,
                       ProbeWait wait, NetworkProbeDone done) {
  std::make_shared<Exchange>(loop, std::move(probe), wait, std::move(done))->start(tls);
}

}  // namespace wherry::kubelet

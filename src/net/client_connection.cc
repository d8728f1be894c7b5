#include "net/client_connection.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace wherry::net {
namespace {

constexpr size_t kReadSize = 16 << 10;

}  // namespace

Wait::Wait(std::stop_token stop)
    : wake_(stop.stop_possible() ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1),
      callback_(std::move(stop), Wake{wake_.get()}) {}

void Wait::Wake::operator()() const {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(fd, &one, sizeof one);
}

void Wait::until(int fd, short events, std::chrono::milliseconds atMost, const char* what) const {
  auto deadline = std::chrono::steady_clock::now() + atMost;
  pollfd fds[] = {{fd, events, 0}, {wake_.get(), POLLIN, 0}};  // poll() passes over a descriptor of -1
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    int timeout = atMost.count() < 0 ? -1 : static_cast<int>(std::max<int64_t>(left.count(), 0));
    int count = ::poll(fds, 2, timeout);
    if (count < 0 && errno != EINTR) base::throwErrno("poll");
    if (count == 0) throw std::system_error(ETIMEDOUT, std::generic_category(), what);
    if (fds[1].revents != 0) throw Stopped{};
    if (count > 0) return;
  }
}

namespace {

base::Fd connectTo(const Endpoint& endpoint, std::chrono::milliseconds timeout, const Wait& wait) {
  std::string target = "connect " + (endpoint.unixPath.empty() ? endpoint.host : endpoint.unixPath);
  base::Fd socket = beginConnect(endpoint);
  wait.until(socket.get(), POLLOUT, timeout, target.c_str());
  if (int error = connectError(socket.get())) throw std::system_error(error, std::generic_category(), target);
  return socket;
}

base::Fd connectToAny(const std::vector<Endpoint>& endpoints, std::chrono::milliseconds timeout, const Wait& wait) {
  for (size_t i = 0; i + 1 < endpoints.size(); ++i) {
    try {
      return connectTo(endpoints[i], timeout, wait);
    } catch (const std::system_error&) {
      // The next one may answer; the last one's error is what the caller gets.
    }
  }
  return connectTo(endpoints.back(), timeout, wait);
}

}  // namespace

ClientConnection::ClientConnection(const ServerUrl& url, const TlsContext* tls, std::chrono::milliseconds timeout,
                                   const Wait& wait)
    : timeout_(timeout) {
  base::Fd socket = connectToAny(resolve(url.endpoint), timeout, wait);
  transport_ = tls ? tls->wrap(std::move(socket), url.endpoint.host) : newPlainTransport(std::move(socket));
  for (IoStatus status = transport_->handshake(); status != IoStatus::kOk; status = transport_->handshake()) {
    if (status != IoStatus::kBlocked) fail(status);
    waitFor(POLLIN, timeout, "TLS handshake", wait);
  }
}

void ClientConnection::waitFor(short events, std::chrono::milliseconds atMost, const char* what, const Wait& wait) {
  wait.until(transport_->fd(), transport_->wantsWrite() ? POLLOUT : events, atMost, what);
}

void ClientConnection::fail(IoStatus status) {
  std::string why = status == IoStatus::kEnded ? "closed by the server" : transport_->failure();
  if (why.starts_with("TLS")) throw std::runtime_error(why);
  throw std::system_error(ECONNRESET, std::generic_category(), why);
}

void ClientConnection::send(std::string_view request, const Wait& wait) {
  bodyEnded_ = false;
  while (!request.empty()) {
    IoResult result = transport_->write(request);
    if (result.status == IoStatus::kBlocked) {
      waitFor(POLLOUT, timeout_, "send", wait);
    } else if (result.status != IoStatus::kOk) {
      fail(result.status);
    }
    request.remove_prefix(result.count);
  }
}

bool ClientConnection::receive(std::chrono::milliseconds atMost, const Wait& wait) {
  char buffer[kReadSize];
  for (;;) {
    IoResult result = transport_->read(buffer, sizeof buffer);
    if (result.status == IoStatus::kEnded) return false;
    if (result.status == IoStatus::kFailed) fail(result.status);
    if (result.status == IoStatus::kOk) {
      input_.append(buffer, result.count);
      return true;
    }
    waitFor(POLLIN, atMost, "no answer", wait);
  }
}

ResponseHead ClientConnection::readHead(std::string_view method, const Wait& wait) {
  for (;;) {
    auto result = parseResponseHead(input_, method);
    if (auto* error = std::get_if<HeadError>(&result)) throw std::runtime_error("not HTTP: " + std::string(error->why));
    if (auto* head = std::get_if<ResponseHead>(&result)) {
      input_.erase(0, head->size);
      if (head->status < 200 && head->status != 101) continue;  // an interim answer
      framing_ = head->framing;
      left_ = head->contentLength;
      keepAlive_ = head->keepAlive;
      bodyEnded_ = framing_ == Framing::kNone;
      chunks_ = ChunkedDecoder();
      return std::move(*head);
    }
    if (!receive(timeout_, wait)) fail(IoStatus::kEnded);
  }
}

std::string_view ClientConnection::readBody(std::chrono::milliseconds atMost, const Wait& wait) {
  if (framing_ == Framing::kChunked) return readChunked(atMost, wait);
  piece_.clear();
  if (bodyEnded_) return {};
  if (input_.empty() && !receive(atMost, wait)) {
    if (framing_ != Framing::kUntilClose) fail(IoStatus::kEnded);
    bodyEnded_ = true;
    return {};
  }
  if (framing_ == Framing::kUntilClose) {
    piece_.swap(input_);
    return piece_;
  }
  piece_ = input_.substr(0, left_);
  input_.erase(0, piece_.size());
  left_ -= piece_.size();
  bodyEnded_ = left_ == 0;
  return piece_;
}

std::string_view ClientConnection::readChunked(std::chrono::milliseconds atMost, const Wait& wait) {
  piece_.clear();
  while (piece_.empty() && !bodyEnded_) {
    if (input_.empty() && !receive(atMost, wait)) fail(IoStatus::kEnded);
    input_.erase(0, chunks_.decode(input_, piece_));
    if (chunks_.state() == ChunkedDecoder::State::kMalformed) throw std::runtime_error("not HTTP: malformed chunk");
    bodyEnded_ = chunks_.state() == ChunkedDecoder::State::kDone;
  }
  return piece_;
}

bool ClientConnection::stillOpen() {
  char byte;
  return transport_->read(&byte, 1).status == IoStatus::kBlocked;
}

}  // namespace wherry::net

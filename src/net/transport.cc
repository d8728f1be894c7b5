#include "net/transport.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace wherry::net {
namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(base::Fd socket) : socket_(std::move(socket)) {}

  int fd() const override { return socket_.get(); }
  IoStatus handshake() override { return IoStatus::kOk; }
  IoResult read(char* buffer, size_t size) override { return result(::recv(socket_.get(), buffer, size, 0)); }
  IoResult write(std::string_view data) override {
    return result(::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL));
  }
  void endWriting() override { ::shutdown(socket_.get(), SHUT_WR); }
  std::string failure() const override { return std::strerror(error_); }

 private:
  IoResult result(ssize_t count) {
    if (count > 0) return {IoStatus::kOk, static_cast<size_t>(count)};
    if (count == 0) return {IoStatus::kEnded};
    if (errno == EAGAIN || errno == EINTR) return {IoStatus::kBlocked};
    error_ = errno;
    return {IoStatus::kFailed};
  }

  base::Fd socket_;
  int error_ = 0;
};

}  // namespace

std::unique_ptr<Transport> newPlainTransport(base::Fd socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace wherry::net

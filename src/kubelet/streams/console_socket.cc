#include "kubelet/streams/console_socket.h"

#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"
#include "net/socket.h"

namespace wherry::kubelet {
namespace {

// The descriptor that comes with the message; invalid when there is none.
base::Fd receiveDescriptor(int socket) {
  char text[256];
  iovec part{text, sizeof text};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0) return {};
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return base::Fd(fd);
}

}  // namespace

// One connection, until its message is there.
class ConsoleSocket::Delivery : public net::EventLoop::Source {
 public:
  Delivery(std::shared_ptr<ConsoleSocket> to, base::Fd socket, pid_t from)
      : to_(std::move(to)), socket_(std::move(socket)), from_(from) {}

  void onReady(uint32_t) override {
    base::Fd terminal = receiveDescriptor(socket_.get());
    to_->loop_->remove(socket_.get());
    if (terminal) to_->deliver(from_, std::move(terminal));
  }

  int fd() const { return socket_.get(); }

 private:
  std::shared_ptr<ConsoleSocket> to_;
  base::Fd socket_;
  pid_t from_;
};

ConsoleSocket::ConsoleSocket(std::shared_ptr<net::EventLoop> loop, std::string path)
    : loop_(std::move(loop)), path_(std::move(path)), listener_(net::listenOn({.unixPath = path_})) {}

ConsoleSocket::~ConsoleSocket() { ::unlink(path_.c_str()); }

void ConsoleSocket::listen() { loop_->add(listener_.get(), EPOLLIN, shared_from_this()); }

void ConsoleSocket::onReady(uint32_t) {
  base::Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  if (!expected_.contains(peer.pid)) return;
  auto delivery = std::make_shared<Delivery>(shared_from_this(), std::move(socket), peer.pid);
  loop_->add(delivery->fd(), EPOLLIN, delivery);
}

void ConsoleSocket::deliver(pid_t pid, base::Fd terminal) {
  auto node = expected_.extract(pid);
  if (node.empty()) return;
  ::fcntl(terminal.get(), F_SETFL, O_NONBLOCK);
  node.mapped()(std::move(terminal));
}

}  // namespace wherry::kubelet

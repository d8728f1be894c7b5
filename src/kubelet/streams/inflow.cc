#include "kubelet/streams/inflow.h"

#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

namespace wherry::kubelet {

Inflow::Inflow(std::shared_ptr<net::EventLoop> loop, base::Fd fd, Handlers handlers)
    : loop_(std::move(loop)), fd_(std::move(fd)), handlers_(std::move(handlers)) {}

void Inflow::start() {
  loop_->post([self = shared_from_this()] {
    self->started_ = true;
    self->update();
  });
}

void Inflow::setHeld(bool held) {
  loop_->post([self = shared_from_this(), held] {
    self->held_ = held;
    self->update();
  });
}

// A held descriptor is taken out of the loop: an end of stream would wake it again and again.
void Inflow::update() {
  if (std::exchange(watched_, flows()) != flows()) {
    if (watched_) {
      loop_->add(fd_.get(), EPOLLIN, shared_from_this());
    } else {
      loop_->remove(fd_.get());
    }
  }
  if (last_ && flows()) loop_->defer(shared_from_this());
}

void Inflow::endWhenEmpty() {
  last_ = true;
  update();
}

void Inflow::onReady(uint32_t) {
  if (!flows()) return;
  ssize_t count = ::read(fd_.get(), loop_->readBuffer(), net::EventLoop::kBufferSize);
  if (count > 0) {
    held_ = !handlers_.data({loop_->readBuffer(), static_cast<size_t>(count)});
    return update();
  }
  if (count == 0) return finish(0);
  if (errno == EINTR) return;
  if (errno != EAGAIN) return finish(errno == EIO ? 0 : errno);  // EIO: the last user of a terminal has closed it
  if (last_) finish(0);
}

void Inflow::stop() {
  if (std::exchange(watched_, false)) loop_->remove(fd_.get());
  fd_.reset();
  handlers_ = {};
}

void Inflow::finish(int error) {
  auto end = std::move(handlers_.end);
  stop();
  if (end) end(error);
}

}  // namespace wherry::kubelet

#include "kubelet/streams/outflow.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace wherry::kubelet {

Outflow::Outflow(std::shared_ptr<net::EventLoop> loop, End end, size_t largestWrite)
    : loop_(std::move(loop)), end_(end), largestWrite_(largestWrite) {}

bool Outflow::write(std::string_view data) {
  bool wakes = false;
  bool room = state_.with([&](State& state) {
    if (state.closed || state.finishing) return true;
    state.queue += data;
    state.waiting += data.size();
    state.held = state.waiting > kHighWater;
    wakes = !std::exchange(state.woken, true);
    return !state.held;
  });
  if (wakes) wake();
  return room;
}

void Outflow::finish() {
  bool wakes = state_.with([](State& state) {
    state.finishing = true;
    return !std::exchange(state.woken, true);
  });
  if (wakes) wake();
}

void Outflow::wake() {
  loop_->post([self = shared_from_this()] {
    self->state_.with([](State& state) { state.woken = false; });
    self->flush();
  });
}

bool Outflow::full() const {
  return state_.with([](const State& state) { return state.held; });
}

void Outflow::onWritable(std::function<void()> handler) {
  state_.with([&](State& state) { state.writable.swap(handler); });
}

void Outflow::onFailed(std::function<void(int)> handler) {
  state_.with([&](State& state) { state.failed.swap(handler); });
}

void Outflow::open(base::Fd fd) {
  fd_ = std::move(fd);
  // What waits goes out after what else was asked for before it, a terminal's size for one.
  loop_->post([self = shared_from_this()] { self->flush(); });
}

void Outflow::onReady(uint32_t) { flush(); }

// False when there is nothing left to write; at the end of it all the reader has been told.
bool Outflow::takeNext() {
  if (written_ < out_.size()) return true;
  written_ = 0;
  out_ = {};  // an idle stream holds no buffers
  bool ended = state_.with([&](State& state) {
    std::swap(out_, state.queue);
    return out_.empty() && state.finishing;
  });
  if (ended && end_ == End::kShutdown) ::shutdown(fd_.get(), SHUT_WR);
  if (ended && end_ != End::kNothing) close();
  return !out_.empty();
}

void Outflow::flush() {
  while (fd_ && takeNext()) {
    size_t size = std::min(out_.size() - written_, largestWrite_);
    ssize_t count = ::write(fd_.get(), out_.data() + written_, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return watch(true);
    if (count < 0) return fail(errno);
    used_ = true;
    written_ += static_cast<size_t>(count);
    noteWritten(static_cast<size_t>(count));
  }
  watch(false);
}

void Outflow::noteWritten(size_t count) {
  std::function<void()> writable;
  state_.with([&](State& state) {
    state.waiting -= count;
    if (state.held && state.waiting <= kLowWater) {
      state.held = false;
      writable = state.writable;
    }
  });
  if (writable) writable();
}

void Outflow::watch(bool wanted) {
  wanted = wanted && fd_.valid();
  if (std::exchange(watched_, wanted) == wanted) return;
  if (wanted) {
    loop_->add(fd_.get(), EPOLLOUT, shared_from_this());
  } else {
    loop_->remove(fd_.get());
  }
}

void Outflow::fail(int error) {
  auto failed = state_.with([](State& state) { return state.failed; });
  close();
  if (failed) failed(error);
}

void Outflow::close() {
  watch(false);
  fd_.reset();
  out_ = {};
  written_ = 0;
  State gone;  // destroyed with the lock released: handlers may hold the last reference to much
  state_.with([&](State& state) {
    std::swap(gone, state);
    state.closed = true;
  });
  // Who waits for room may go on: what it writes is dropped.
  if (gone.held && gone.writable) gone.writable();
}

}  // namespace wherry::kubelet

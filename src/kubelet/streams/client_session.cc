#include "kubelet/streams/client_session.h"

#include <utility>

#include "kubelet/streams/client_input.h"

namespace wherry::kubelet {

// A handler that may be called from any thread, and does its work on the loop's while the session lives.
template <typename Handler>
auto ClientSession::onLoop(Handler handler) {
  return [weak = weak_from_this(), loop = context_.loop, handler](auto... arguments) {
    loop->post([weak, handler, arguments...] {
      if (auto self = weak.lock()) handler(*self, arguments...);
    });
  };
}

void ClientSession::followClient() {
  connectInput(context_.loop, client_, stdin_);
  client_->onResize(onLoop([](ClientSession& self, client::TerminalSize size) { self.onResize(size); }));
  client_->onWritable(onLoop([](ClientSession& self) { self.onWritable(); }));
  client_->onClosed(onLoop([](ClientSession& self) {
    self.clientGone_ = true;
    self.onClientGone();
  }));
}

void ClientSession::start() {
  if (clientGone_) return close();
  begin();
}

void ClientSession::finish(const client::ProcessEnd& end) {
  auto self = shared_from_this();
  close();
  if (auto client = std::exchange(client_, nullptr)) client->finish(end);
}

void ClientSession::close() {
  closeFlows();
  context_.sessions->erase(shared_from_this());
}

}  // namespace wherry::kubelet

#include "kubelet/streams/client_input.h"

namespace wherry::kubelet {

void connectInput(const std::shared_ptr<net::EventLoop>& loop, const std::shared_ptr<client::ProcessStreams>& client,
                  const std::shared_ptr<Outflow>& into) {
  std::weak_ptr<client::ProcessStreams> weak = client;
  // Both halves of holding back run on the loop's thread, so that they can't overtake each other.
  auto setPaused = [weak](bool paused) {
    if (auto streams = weak.lock()) streams->pauseStdin(paused);
  };
  into->onWritable([setPaused] { setPaused(false); });
  client->onStdin([loop, into, setPaused](std::string_view data) {
    if (into->write(data)) return;
    loop->post([into, setPaused] {
      if (into->full()) setPaused(true);
    });
  });
  client->onStdinEnd([into] { into->finish(); });
}

}  // namespace wherry::kubelet

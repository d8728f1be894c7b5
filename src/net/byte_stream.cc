#include "net/byte_stream.h"

#include <array>
#include <utility>

#include "base/guarded.h"

namespace wherry::net {
namespace {

// Held by the handlers of both streams, and holds both: gone once it lets go of them.
class Splice : public std::enable_shared_from_this<Splice> {
 public:
  Splice(ByteStreamPtr one, ByteStreamPtr other, std::function<void()> over)
      : state_(State{{std::move(one), std::move(other)}, {}, std::move(over)}) {}

  void start() {
    for (size_t side : {0, 1}) {
      ByteStreamPtr from = end(side);
      from->onClosed([self = shared_from_this(), side] { self->closed(side); });
      from->onEnd([self = shared_from_this(), side] { self->ended(side); });
      from->onWritable([self = shared_from_this(), side] {
        if (auto feeder = self->end(1 - side)) feeder->pauseReading(false);
      });
    }
    for (size_t side : {0, 1}) {
      ByteStreamPtr from = end(side);
      if (!from) return;  // lost already
      from->onRead([self = shared_from_this(), side](std::string_view data) { self->carry(side, data); });
    }
  }

 private:
  struct State {
    std::array<ByteStreamPtr, 2> ends;
    std::array<bool, 2> ended{};  // has said so
    std::function<void()> over;
  };

  ByteStreamPtr end(size_t side) {
    return state_.with([&](State& state) { return state.ends[side]; });
  }

  void carry(size_t side, std::string_view data) {
    auto from = end(side), to = end(1 - side);
    if (!from || !to) return;
    // Paused first: onWritable's call may come before write() has returned.
    from->pauseReading(true);
    if (to->write(data)) from->pauseReading(false);
  }

  void ended(size_t side) {
    auto to = state_.with([&](State& state) {
      state.ended[side] = true;
      return state.ends[1 - side];
    });
    if (to) to->finish();
  }

  void closed(size_t side) {
    std::function<void()> over;
    ByteStreamPtr gone, cutOff;  // destroyed with the lock released
    state_.with([&](State& state) {
      gone = std::exchange(state.ends[side], nullptr);
      // One that ended well leaves the other what it still has to deliver.
      if (!state.ended[side]) cutOff = std::exchange(state.ends[1 - side], nullptr);
      over = std::exchange(state.over, nullptr);
    });
    if (cutOff) cutOff->close();
    if (over) over();
  }

  base::Guarded<State> state_;
};

}  // namespace

void splice(ByteStreamPtr one, ByteStreamPtr other, std::function<void()> over) {
  std::make_shared<Splice>(std::move(one), std::move(other), std::move(over))->start();
}

}  // namespace wherry::net

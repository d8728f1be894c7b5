#include <utility>
#include <vector>

#include "net/spdy_connection.h"

namespace wherry::net {
namespace {

constexpr size_t kMaxStreams = 2000;
constexpr int64_t kMaxWindow = 0x7fffffff;

}  // namespace

void SpdyConnection::onInput(std::string_view input) {
  while (!broken_) {
    auto frame = decoder_.next(input);
    if (!frame) break;
    std::visit([this](const auto& each) { handle(each); }, *frame);
  }
  if (!decoder_.failure().empty()) breakOff();
}

// The client does not speak the protocol.
void SpdyConnection::breakOff() {
  if (std::exchange(broken_, true)) return;
  state_.with([&](State& state) {
    send(state, spdyGoAway(state.lastStream, true));
    state.closing = state.goodbyeSaid = true;
  });
  connection_->close();
}

SpdyChannelPtr SpdyConnection::find(uint32_t id) {
  return state_.with([&](State& state) {
    auto found = state.channels.find(id);
    return found == state.channels.end() ? nullptr : found->second;
  });
}

void SpdyConnection::handle(const SpdySynStream& frame) {
  auto fields = reader_.read(frame.block);
  if (!fields || frame.unidirectional) return breakOff();
  bool accepted = !handlers_.accepts || handlers_.accepts(*fields);
  bool valid = true;
  auto channel = state_.with([&](State& state) -> SpdyChannelPtr {
    valid = frame.stream % 2 == 1 && frame.stream > state.lastStream;  // section 2.3.2
    if (!valid || state.closing) return nullptr;
    state.lastStream = frame.stream;
    if (accepted && state.channels.size() < kMaxStreams) return open(state, frame.stream, std::move(*fields));
    answer(state, spdyRstStream(frame.stream, SpdyStatus::kRefusedStream));
    return nullptr;
  });
  if (!valid) return breakOff();
  if (!channel) return;
  handlers_.onStream(userEnd(channel));
  if (frame.finished) channel->inlet.end();
}

SpdyChannelPtr SpdyConnection::open(State& state, uint32_t id, Headers fields) {
  auto channel = std::make_shared<SpdyChannel>(*this, id, std::move(fields));
  channel->sendWindow = state.initialWindow;
  state.channels.emplace(id, channel);
  answer(state, spdySynReply(id, state.writer.write({})));
  return channel;
}

void SpdyConnection::handle(const SpdyFieldsFrame& frame) {
  if (!reader_.read(frame.block)) return breakOff();
  auto channel = find(frame.stream);
  if (channel && frame.finished) channel->inlet.end();
}

void SpdyConnection::handle(const SpdyRstStream& frame) {
  Removed removed = state_.with([&](State& state) {
    auto found = state.channels.find(frame.stream);
    return found == state.channels.end() ? Removed() : remove(state, *found->second);
  });
  endOf(removed, true);
}

void SpdyConnection::handle(const SpdySettings& frame) {
  for (const auto& [id, value] : frame.values) {
    if (id != kSpdySettingsInitialWindow) continue;
    if (value > kMaxWindow) return breakOff();
    state_.with([&, window = int64_t{value}](State& state) {
      state.keepsWindows = true;
      for (auto& [number, channel] : state.channels) channel->sendWindow += window - state.initialWindow;
      state.initialWindow = window;
    });
  }
}

void SpdyConnection::handle(const SpdyPing& frame) {
  if (frame.id % 2 == 0) return;  // an answer to one of ours, of which there are none
  state_.with([&](State& state) { answer(state, spdyPing(frame.id)); });
}

bool SpdyConnection::widen(int64_t& window, uint32_t delta) {
  window += delta;
  return window <= kMaxWindow;
}

void SpdyConnection::handle(const SpdyWindowUpdate& frame) {
  std::vector<Removed> over;
  bool valid = true;
  auto handlers = state_.with([&](State& state) {
    state.keepsWindows = true;
    auto found = state.channels.find(frame.stream);
    if (frame.stream == 0) {
      valid = widen(state.sendWindow, frame.delta);
    } else if (found != state.channels.end() && !widen(found->second->sendWindow, frame.delta)) {
      answer(state, spdyRstStream(frame.stream, SpdyStatus::kFlowControlError));
      over.push_back(remove(state, *found->second));
    }
    for (auto channels = state.channels; auto& [id, channel] : channels) {
      flush(state, *channel);
      over.push_back(removeIfOver(state, *channel));
    }
    sayGoodbye(state);
    return writableNow(state);
  });
  for (const Removed& each : over) endOf(each, true);
  if (!valid) return breakOff();
  for (const auto& each : handlers) each();
}

void SpdyConnection::handle(const SpdyData& frame) {
  auto channel = state_.with([&](State& state) -> SpdyChannelPtr {
    auto found = state.channels.find(frame.stream);
    // Of a stream that is over here and of which the client does not know it yet.
    if (found == state.channels.end()) return noteTaken(state, frame.data.size()), nullptr;
    state.waiting += frame.data.size();
    pace(state);
    return found->second;
  });
  if (!channel) return;
  channel->inlet.push(frame.data);
  if (frame.finished) channel->inlet.end();
}

}  // namespace wherry::net

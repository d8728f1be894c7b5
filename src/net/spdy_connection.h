// The session behind SpdySession (spdy_session.h), shared by its two halves: spdy_input.cc is what the client says,
// spdy_session.cc what is said to it and all that streams share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "net/inlet.h"
#include "net/spdy_fields.h"
#include "net/spdy_frame.h"
#include "net/spdy_session.h"

namespace wherry::net {

class SpdyConnection;

// What the session knows of a stream; guarded by the session's lock but for the inlet.
struct SpdyChannel {
  SpdyChannel(SpdyConnection& session, uint32_t number, Headers opening);

  const uint32_t id;
  const Headers fields;
  Inlet inlet;
  int64_t sendWindow = 0;
  uint32_t taken = 0;      // bytes that the client was not told of yet
  std::string pending;     // what the window holds back
  bool finished = false;   // by us
  bool finSent = false;    // and the client was told
  bool inputOver = false;  // the reader has had the end
  bool closed = false;
  bool held = false;  // write() answered false: onWritable is owed
  std::function<void()> writable, closedHandler;
};
using SpdyChannelPtr = std::shared_ptr<SpdyChannel>;

class SpdyConnection : public SpdySession, public std::enable_shared_from_this<SpdyConnection> {
 public:
  SpdyConnection(std::shared_ptr<RawConnection> connection, Handlers handlers)
      : connection_(std::move(connection)), handlers_(std::move(handlers)) {}

  void start();
  void close() override;

  // The streams'.
  bool write(SpdyChannel& channel, std::string_view data);
  void finish(const SpdyChannelPtr& channel);
  void setHandler(SpdyChannel& channel, std::function<void()> SpdyChannel::*which, std::function<void()> handler);
  void reset(const SpdyChannelPtr& channel);
  void taken(SpdyChannel& channel, size_t count);
  void inputOver(SpdyChannel& channel);

 private:
  struct State {
    std::map<uint32_t, SpdyChannelPtr> channels;
    uint32_t lastStream = 0;
    bool closing = false;
    bool goodbyeSaid = false;
    bool lost = false;
    bool keepsWindows = false;  // the client
    int64_t initialWindow = kSpdyInitialWindow;
    int64_t sendWindow = kSpdyInitialWindow;  // of the connection
    uint32_t taken = 0;
    size_t waiting = 0;
    bool paused = false;
    bool full = false;  // the connection takes no more for now
    size_t answers = 0;
    SpdyFieldWriter writer;
  };
  // What is over, and whom to tell once the lock is released: handlers may hold the last reference to much.
  struct Removed {
    SpdyChannelPtr channel;
    std::function<void()> writable, closed;
  };
  using HandlerList = std::vector<std::function<void()>>;

  void onInput(std::string_view input);
  void handle(const SpdySynStream& frame);
  void handle(const SpdyFieldsFrame& frame);
  void handle(const SpdyRstStream& frame);
  void handle(const SpdySettings& frame);
  void handle(const SpdyPing& frame);
  void handle(const SpdyGoAway&) {}  // it opens no more streams: nothing changes for those there are
  void handle(const SpdyWindowUpdate& frame);
  void handle(const SpdyData& frame);
  void breakOff();
  void onWritable();
  void onLost();

  // With the state locked.
  SpdyChannelPtr open(State& state, uint32_t id, Headers fields);
  void send(State& state, std::string frame);
  void answer(State& state, std::string frame);
  void sendData(State& state, SpdyChannel& channel, std::string_view data);
  void flush(State& state, SpdyChannel& channel);
  void pace(State& state);
  void noteTaken(State& state, size_t count);
  void sayGoodbye(State& state);
  static Removed removeIfOver(State& state, SpdyChannel& channel);
  static Removed remove(State& state, SpdyChannel& channel);
  static bool widen(int64_t& window, uint32_t delta);
  HandlerList writableNow(State& state);

  SpdyStreamPtr userEnd(SpdyChannelPtr channel);
  SpdyChannelPtr find(uint32_t id);
  void endOf(const Removed& removed, bool tell);

  const std::shared_ptr<RawConnection> connection_;
  Handlers handlers_;  // the connection's thread only, as the next three
  SpdyDecoder decoder_;
  SpdyFieldReader reader_;
  bool broken_ = false;
  base::Guarded<State> state_;
};

}  // namespace wherry::net

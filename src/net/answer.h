// One request's answer, on its way from the handler (any thread) to the connection (its loop's thread).
//
// The handler holds it through an Exchange; the connection takes from it as fast as the client reads. Once closed, what
// the handler does has no effect.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "net/event_loop.h"
#include "net/raw_stream.h"
#include "net/server.h"

namespace wherry::net {

// What write() lets wait before it answers false, and what must be left when onWritable is called.
inline constexpr size_t kHighWater = 256 << 10;
inline constexpr size_t kLowWater = 128 << 10;

enum class AnswerKind { kWhole, kStream, kUpgrade };

struct AnswerHead {
  AnswerKind kind;
  int status;
  Headers headers;
  uint64_t contentLength = 0;           // of kWhole
  std::shared_ptr<RawStream> upgraded;  // of kUpgrade
};

// Of a whole answer, or of a stream that begins with one; nothing of another stream.
std::optional<uint64_t> contentLengthOf(const AnswerHead& head);

class Answer : public std::enable_shared_from_this<Answer> {
 public:
  // The connection, told on the loop's thread that there is something to take.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void onAnswer(Answer& answer) = 0;
  };
  enum class Upgrades { kAllowed, kRefused };

  // `stream`: the connection's own number for it.
  Answer(std::shared_ptr<EventLoop> loop, Listener* listener, Request request, Upgrades upgrades, int32_t stream = 0);

  const Request& request() const { return request_; }
  int32_t stream() const { return stream_; }

  // From any thread.
  void respond(Response response);
  void begin(int status, Headers headers);
  bool write(Bytes data);
  void finish();
  void onWritable(std::function<void()> handler);
  void onClosed(std::function<void()> handler);
  std::shared_ptr<RawConnection> upgrade(Headers headers);
  // The handler has dropped it.
  void abandon();

  // On the loop's thread. What there is to send: the head (once), then pieces, `size` bytes of them or a little more.
  struct Batch {
    std::optional<AnswerHead> head;
    std::vector<Bytes> pieces;
    bool finished = false;   // nothing more will come
    bool abandoned = false;  // and never will: the answer is broken off, or missing when there was no head
  };
  Batch take(size_t size);
  // The answer is complete or can't be sent any more; the listener is not called again.
  void close();

 private:
  struct State {
    bool answered = false;
    std::optional<AnswerHead> head;  // until it is taken
    std::vector<Bytes> pieces;
    size_t waiting = 0;  // bytes of them
    bool finished = false;
    bool abandoned = false;
    bool closed = false;
    bool held = false;  // write() answered false: onWritable is owed
    bool woken = false;
    std::function<void()> writable;
    std::function<void()> closedHandler;
  };

  // Lets `change` work on the state of an open answer and wakes the connection.
  template <typename Change>
  void update(Change change);
  void wake();

  const std::shared_ptr<EventLoop> loop_;
  Listener* listener_;  // the loop's thread only; null once closed
  const Request request_;
  const Upgrades upgrades_;
  const int32_t stream_;
  base::Guarded<State> state_;
};

// The handler's end: abandons the answer when its last reference goes.
ExchangePtr newExchange(std::shared_ptr<Answer> answer);

}  // namespace wherry::net

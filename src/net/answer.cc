#include "net/answer.h"

#include <utility>

#include "base/strings.h"

namespace wherry::net {
namespace {

uint64_t totalSize(const std::vector<Bytes>& pieces) {
  uint64_t size = 0;
  for (const Bytes& piece : pieces) size += piece ? piece->size() : 0;
  return size;
}

class AnswerExchange : public Exchange {
 public:
  explicit AnswerExchange(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~AnswerExchange() override { answer_->abandon(); }

  const Request& request() const override { return answer_->request(); }
  void respond(Response response) override { answer_->respond(std::move(response)); }
  void begin(int status, Headers headers) override { answer_->begin(status, std::move(headers)); }
  bool write(Bytes data) override { return answer_->write(std::move(data)); }
  void finish() override { answer_->finish(); }
  void onWritable(std::function<void()> handler) override { answer_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { answer_->onClosed(std::move(handler)); }
  std::shared_ptr<RawConnection> upgrade(Headers headers) override { return answer_->upgrade(std::move(headers)); }

 private:
  std::shared_ptr<Answer> answer_;
};

}  // namespace

std::optional<uint64_t> contentLengthOf(const AnswerHead& head) {
  if (head.kind == AnswerKind::kWhole) return head.contentLength;
  return base::parseInt<uint64_t>(head.headers.get("Content-Length"));
}

Answer::Answer(std::shared_ptr<EventLoop> loop, Listener* listener, Request request, Upgrades upgrades, int32_t stream)
    : loop_(std::move(loop)), listener_(listener), request_(std::move(request)), upgrades_(upgrades), stream_(stream) {}

template <typename Change>
void Answer::update(Change change) {
  bool mustWake = state_.with([&](State& state) {
    if (state.closed || !change(state)) return false;
    return !std::exchange(state.woken, true);
  });
  if (mustWake) wake();
}

void Answer::wake() {
  if (loop_->inLoop()) {
    if (listener_ != nullptr) listener_->onAnswer(*this);
    return;
  }
  loop_->post([self = shared_from_this()] {
    if (self->listener_ != nullptr) self->listener_->onAnswer(*self);
  });
}

void Answer::respond(Response response) {
  update([&](State& state) {
    if (state.answered) return false;
    state.answered = state.finished = true;
    state.pieces = std::move(response.body);
    state.waiting = totalSize(state.pieces);
    state.head = AnswerHead{AnswerKind::kWhole, response.status, std::move(response.headers), state.waiting, nullptr};
    return true;
  });
}

void Answer::begin(int status, Headers headers) {
  update([&](State& state) {
    if (state.answered) return false;
    state.answered = true;
    state.head = AnswerHead{AnswerKind::kStream, status, std::move(headers), 0, nullptr};
    return true;
  });
}

bool Answer::write(Bytes data) {
  bool room = true;
  update([&](State& state) {
    if (!state.answered || state.finished || !data || data->empty()) return false;
    state.waiting += data->size();
    state.pieces.push_back(std::move(data));
    room = state.waiting <= kHighWater;
    state.held = !room;
    return true;
  });
  return room;
}

void Answer::finish() {
  update([](State& state) { return state.answered && !std::exchange(state.finished, true); });
}

void Answer::onWritable(std::function<void()> handler) {
  state_.with([&](State& state) {
    if (!state.closed) state.writable.swap(handler);
  });
}

void Answer::onClosed(std::function<void()> handler) {
  bool late = state_.with([&](State& state) {
    if (!state.closed) state.closedHandler.swap(handler);
    return state.closed;
  });
  if (late && handler) loop_->post(std::move(handler));
}

std::shared_ptr<RawConnection> Answer::upgrade(Headers headers) {
  if (upgrades_ == Upgrades::kRefused) return nullptr;
  std::shared_ptr<RawStream> upgraded;
  update([&](State& state) {
    if (state.answered) return false;
    state.answered = state.finished = true;
    upgraded = std::make_shared<RawStream>(loop_);
    state.head = AnswerHead{AnswerKind::kUpgrade, 101, std::move(headers), 0, upgraded};
    return true;
  });
  return upgraded ? newRawConnection(upgraded) : nullptr;
}

void Answer::abandon() {
  update([](State& state) {
    if (state.finished) return false;
    state.finished = state.abandoned = true;
    return true;
  });
}

Answer::Batch Answer::take(size_t size) {
  std::function<void()> writable;
  Batch batch;
  state_.with([&](State& state) {
    state.woken = false;
    batch.head = std::exchange(state.head, std::nullopt);
    size_t taken = 0;
    size_t count = 0;
    while (count < state.pieces.size() && taken < size) taken += state.pieces[count++]->size();
    if (count == state.pieces.size()) {
      batch.pieces = std::exchange(state.pieces, {});
    } else {
      auto end = state.pieces.begin() + static_cast<ptrdiff_t>(count);
      batch.pieces.assign(std::move_iterator(state.pieces.begin()), std::move_iterator(end));
      state.pieces.erase(state.pieces.begin(), end);
    }
    state.waiting -= taken;
    batch.finished = state.finished && state.pieces.empty();
    batch.abandoned = batch.finished && state.abandoned;
    if (state.waiting <= kLowWater && std::exchange(state.held, false)) writable = state.writable;
  });
  if (writable) writable();
  return batch;
}

void Answer::close() {
  listener_ = nullptr;
  std::function<void()> closedHandler;
  std::function<void()> writable;  // dropped with the lock released: it may hold the last reference to much
  std::vector<Bytes> pieces;
  state_.with([&](State& state) {
    state.closed = true;
    closedHandler.swap(state.closedHandler);
    writable.swap(state.writable);
    pieces.swap(state.pieces);
  });
  if (closedHandler) closedHandler();
}

ExchangePtr newExchange(std::shared_ptr<Answer> answer) { return std::make_shared<AnswerExchange>(std::move(answer)); }

}  // namespace wherry::net

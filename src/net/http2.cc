#include "net/http2.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/strings.h"
#include "net/answer.h"
#include "net/http1.h"
#include "net/http_date.h"
#include "net/http_head.h"

namespace wherry::net {
namespace {

constexpr uint32_t kMaxStreams = 250;
constexpr uint32_t kStreamWindow = 256 << 10;
constexpr int32_t kConnectionWindow = 1 << 20;
constexpr size_t kMaxUploads = 32 << 20;  // bytes of incomplete request bodies on a connection
constexpr size_t kMaxDropped = 8 << 20;

struct SessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

struct Stream {
  int32_t id = 0;
  Request request;
  bool isHead = false;  // a HEAD request
  size_t headBytes = 0;
  bool complete = false;  // the request has come whole
  bool refused = false;   // answered without the handler
  size_t dropped = 0;     // bytes of body that came after that
  std::shared_ptr<Answer> answer;
  OutputQueue body;  // of the answer, taken and not yet framed
  bool headSent = false;
  bool finished = false;  // nothing comes behind `body`
  bool broken = false;    // the handler dropped it before its end
};

class Http2 : public Protocol, public Answer::Listener {
 public:
  Http2(Connection& connection, const ServerOptions& options, const Handler& handler);

  void onInput(std::string_view data) override;
  bool wantsInput() const override { return true; }
  void fill() override;
  void onStall() override { connection_.setDeadlineIn(options_.stallTime); }
  void onDeadline() override;
  void onDrain() override;
  void onClosed() override;
  void onAnswer(Answer& answer) override;

  // nghttp2's callbacks.
  void beginRequest(int32_t id);
  void addField(int32_t id, std::string_view name, std::string_view value);
  void endHead(int32_t id);
  void addBody(int32_t id, std::string_view data);
  void endRequest(int32_t id);
  void closeStream(int32_t id);
  ssize_t readBody(Stream& stream, char* buffer, size_t size, uint32_t* flags);

 private:
  Stream* find(int32_t id);
  void dispatch(Stream& stream);
  void advance(Stream& stream);
  std::optional<AnswerHead> takeMore(Stream& stream);
  void submit(Stream& stream, int status, const Headers& headers, std::optional<uint64_t> contentLength);
  void dropBody(Stream& stream, size_t size);
  void refuse(Stream& stream, int status, std::string_view why);
  void reset(int32_t id, uint32_t code) { nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, code); }
  void uploadEnded(const Stream& stream);
  void updateDeadline();

  Connection& connection_;
  const ServerOptions& options_;
  const Handler& handler_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::unordered_map<int32_t, Stream> streams_;
  std::vector<std::pair<base::MonotonicTime, int32_t>> incoming_;  // requests under way, the oldest first
  std::vector<int32_t> arrived_;                                   // requests to be handed to the handler
  std::vector<int32_t> ready_;                                     // streams whose answers have something new
  size_t uploadBytes_ = 0;
  bool idle_ = false;
  bool draining_ = false;
};

std::string_view view(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

Http2& self(void* user) { return *static_cast<Http2*>(user); }

int onBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) self(user).beginRequest(frame->hd.stream_id);
  return 0;
}

int onHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t nameSize, const uint8_t* value,
             size_t valueSize, uint8_t, void* user) {
  // Trailers are of no use to anyone here.
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  self(user).addField(frame->hd.stream_id, view(name, nameSize), view(value, valueSize));
  return 0;
}

int onFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  bool isHead = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  if (isHead) self(user).endHead(frame->hd.stream_id);
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) self(user).endRequest(frame->hd.stream_id);
  return 0;
}

int onDataChunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
  self(user).addBody(id, view(data, size));
  return 0;
}

int onStreamClose(nghttp2_session*, int32_t id, uint32_t, void* user) {
  self(user).closeStream(id);
  return 0;
}

ssize_t onReadBody(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                   nghttp2_data_source* source, void* user) {
  return self(user).readBody(*static_cast<Stream*>(source->ptr), reinterpret_cast<char*>(buffer), size, flags);
}

nghttp2_session* newSession(void* user) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onDataChunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_session* session = nullptr;
  nghttp2_session_server_new2(&session, callbacks, user, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

Http2::Http2(Connection& connection, const ServerOptions& options, const Handler& handler)
    : connection_(connection), options_(options), handler_(handler), session_(newSession(this)) {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(HeadLimits().bytes)},
  };
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

void Http2::onInput(std::string_view data) {
  // A protocol error of the client's is not an error here: it becomes a GOAWAY that fill() sends before it closes.
  if (nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(data.data()), data.size()) < 0) {
    return connection_.close();
  }
  // Not from within nghttp2's callbacks, where it must not be entered again.
  for (int32_t id : std::exchange(arrived_, {})) {
    if (Stream* stream = find(id)) dispatch(*stream);
  }
}

Stream* Http2::find(int32_t id) {
  auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void Http2::beginRequest(int32_t id) {
  Stream& stream = streams_[id];
  stream.id = id;
  stream.request.peer = connection_.peer();
  incoming_.emplace_back(connection_.loop()->now(), id);
}

void Http2::addField(int32_t id, std::string_view name, std::string_view value) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  const HeadLimits limits;
  stream->headBytes += name.size() + value.size() + 32;  // RFC 9113 section 10.5.1
  Request& request = stream->request;
  if (stream->headBytes > limits.bytes || request.headers.fields().size() >= limits.fields) return;
  if (name == ":method") {
    request.method = value;
    stream->isHead = value == "HEAD";
  } else if (name == ":path") {
    size_t question = value.find('?');
    request.path = value.substr(0, question);
    if (question != std::string_view::npos) request.query = value.substr(question + 1);
  } else if (name == ":authority") {
    request.headers.set("Host", std::string(value));
  } else if (!name.starts_with(':')) {
    request.headers.add(std::string(name), std::string(value));
  }
}

void Http2::endHead(int32_t id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  const HeadLimits limits;
  if (stream->headBytes > limits.bytes || stream->request.headers.fields().size() >= limits.fields) {
    return refuse(*stream, 431, "the request head is too large");
  }
  auto length = base::parseInt<uint64_t>(stream->request.headers.get("content-length"));
  if (length && *length > options_.maxBody) refuse(*stream, 413, "the request body is too large");
}

void Http2::addBody(int32_t id, std::string_view data) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  if (stream->refused) return dropBody(*stream, data.size());
  stream->request.body.append(data);
  uploadBytes_ += data.size();
  if (stream->request.body.size() > options_.maxBody) return refuse(*stream, 413, "the request body is too large");
  if (uploadBytes_ > kMaxUploads) reset(id, NGHTTP2_ENHANCE_YOUR_CALM);
}

// RFC 9113 section 8.1 allows a reset at once, but clients exist that then don't look at the answer (curl 7.88).
void Http2::dropBody(Stream& stream, size_t size) {
  stream.dropped += size;
  if (stream.dropped > kMaxDropped) reset(stream.id, NGHTTP2_NO_ERROR);
}

void Http2::endRequest(int32_t id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->complete) return;
  uploadEnded(*stream);
  stream->complete = true;
  if (!stream->refused) arrived_.push_back(id);
}

void Http2::uploadEnded(const Stream& stream) {
  if (stream.complete) return;
  uploadBytes_ -= stream.request.body.size();
  std::erase_if(incoming_, [&](const auto& entry) { return entry.second == stream.id; });
}

void Http2::dispatch(Stream& stream) {
  stream.answer = std::make_shared<Answer>(connection_.loop(), this, std::move(stream.request),
                                           Answer::Upgrades::kRefused, stream.id);
  stream.request = {};
  handler_(newExchange(stream.answer));
}

void Http2::onAnswer(Answer& answer) {
  ready_.push_back(answer.stream());
  connection_.progressSoon();
}

void Http2::fill() {
  std::string frames;
  while (connection_.output().size() + frames.size() < kOutputFull) {
    for (int32_t id : std::exchange(ready_, {})) {
      if (Stream* stream = find(id)) advance(*stream);
    }
    const uint8_t* data = nullptr;
    ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size < 0) return connection_.close();
    if (size == 0 && ready_.empty()) break;
    frames.append(view(data, static_cast<size_t>(size)));
  }
  connection_.output().append(std::move(frames));
  bool over = !nghttp2_session_want_read(session_.get()) && !nghttp2_session_want_write(session_.get());
  if (over || (draining_ && streams_.empty())) return connection_.closeAfterOutput();
  updateDeadline();
}

// The answer has something new: its head, or more of a body that waits for it.
void Http2::advance(Stream& stream) {
  if (!stream.answer || !stream.body.empty()) return;  // the rest is taken when that is sent
  std::optional<AnswerHead> head = takeMore(stream);
  if (head) {
    submit(stream, head->status, head->headers, contentLengthOf(*head));
  } else if (stream.broken && !stream.headSent) {
    refuse(stream, 500, "no answer");
  } else if (stream.broken) {
    reset(stream.id, NGHTTP2_INTERNAL_ERROR);
  } else {
    nghttp2_session_resume_data(session_.get(), stream.id);
  }
}

std::optional<AnswerHead> Http2::takeMore(Stream& stream) {
  Answer::Batch batch = stream.answer->take(kOutputFull);
  for (Bytes& piece : batch.pieces) stream.body.append(std::move(piece));
  stream.finished = batch.finished;
  stream.broken = batch.abandoned;
  return std::move(batch.head);
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 copies both and changes neither.
  auto bytes = [](std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// RFC 9113 section 8.2.2, and what is added here.
bool belongsToConnection(std::string_view lowerName) {
  static constexpr std::string_view kNames[] = {
      "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length", "date"};
  return std::ranges::find(kNames, lowerName) != std::end(kNames);
}

void Http2::submit(Stream& stream, int status, const Headers& headers, std::optional<uint64_t> contentLength) {
  std::vector<std::pair<std::string, std::string_view>> fields;  // names in lower case (section 8.2.1)
  std::string statusText = std::to_string(status);
  std::string lengthText = std::to_string(contentLength.value_or(0));
  fields.emplace_back(":status", statusText);
  fields.emplace_back("date", currentDate());
  bool forbidden = status == 204 || status == 304;
  if (contentLength && !forbidden) fields.emplace_back("content-length", lengthText);
  for (const auto& [name, value] : headers.fields()) {
    std::string lower = base::toLower(name);
    if (isSendable(name, value) && !belongsToConnection(lower)) fields.emplace_back(std::move(lower), value);
  }
  std::vector<nghttp2_nv> block;
  block.reserve(fields.size());
  for (const auto& [name, value] : fields) block.push_back(field(name, value));
  bool bodyless = forbidden || stream.isHead || (contentLength && *contentLength == 0);
  nghttp2_data_provider body{{.ptr = &stream}, onReadBody};
  nghttp2_submit_response(session_.get(), stream.id, block.data(), block.size(), bodyless ? nullptr : &body);
  stream.headSent = true;
}

ssize_t Http2::readBody(Stream& stream, char* buffer, size_t size, uint32_t* flags) {
  if (stream.body.empty() && !stream.finished && stream.answer) takeMore(stream);
  if (stream.broken) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
  if (stream.body.empty() && !stream.finished) return NGHTTP2_ERR_DEFERRED;
  std::string_view data = stream.body.front(buffer, size);
  size_t count = std::min(size, data.size());
  if (count > 0 && data.data() != buffer) std::memcpy(buffer, data.data(), count);
  stream.body.consume(count);
  if (stream.body.empty() && stream.finished) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

// Answers before the request is whole, or in the handler's place.
void Http2::refuse(Stream& stream, int status, std::string_view why) {
  if (!stream.complete) uploadBytes_ -= stream.request.body.size();
  stream.refused = true;
  stream.finished = true;
  stream.broken = false;
  stream.request = {};
  Response response = errorAnswer(options_, status, why);
  for (Bytes& piece : response.body) stream.body.append(std::move(piece));
  submit(stream, response.status, response.headers, stream.body.size());
}

void Http2::closeStream(int32_t id) {
  auto node = streams_.extract(id);
  if (node.empty()) return;
  uploadEnded(node.mapped());
  if (node.mapped().answer) node.mapped().answer->close();
}

void Http2::updateDeadline() {
  bool wasIdle = std::exchange(idle_, streams_.empty());
  if (idle_ && !wasIdle) connection_.setDeadlineIn(options_.idleTime);
  if (idle_) return;
  if (incoming_.empty()) {
    connection_.clearDeadline();
  } else {
    connection_.setDeadline(incoming_.front().first + options_.bodyTime);
  }
}

void Http2::onDeadline() {
  if (!connection_.output().empty()) return connection_.close();
  if (streams_.empty()) {
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    return;
  }
  auto late = connection_.loop()->now() - options_.bodyTime;
  for (const auto& [began, id] : incoming_) {
    if (began <= late) reset(id, NGHTTP2_CANCEL);
  }
}

void Http2::onDrain() {
  draining_ = true;
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2::onClosed() {
  auto streams = std::exchange(streams_, {});
  for (auto& [id, stream] : streams) {
    if (stream.answer) stream.answer->close();
  }
}

}  // namespace

std::unique_ptr<Protocol> newHttp2(Connection& connection, const ServerOptions& options, const Handler& handler) {
  return std::make_unique<Http2>(connection, options, handler);
}

}  // namespace wherry::net

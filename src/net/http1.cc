#include "net/http1.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "net/answer.h"
#include "net/chunked.h"
#include "net/http_date.h"
#include "net/http_head.h"
#include "net/raw_protocol.h"

namespace wherry::net {
namespace {

constexpr size_t kMaxPipelined = 64 << 10;

class Http1 : public Protocol, public Answer::Listener {
 public:
  Http1(Connection& connection, const ServerOptions& options, const Handler& handler)
      : connection_(connection), options_(options), handler_(handler) {
    connection_.setDeadlineIn(options_.headTime);
  }

  void onInput(std::string_view data) override;
  bool wantsInput() const override { return step_ != Step::kAnswer || input_.size() < kMaxPipelined; }
  void fill() override;
  void onStall() override;
  void onDeadline() override;
  void onDrain() override;
  void onClosed() override;
  void onAnswer(Answer&) override { connection_.progressSoon(); }

 private:
  enum class Step { kHead, kBody, kAnswer, kEnded };

  void parse();
  void parseHead();
  void startBody(RequestHead head);
  void parseBody();
  void dropInput(size_t count);
  void dispatch();
  void sendHead(const AnswerHead& head);
  void sendPiece(Bytes piece);
  void finishAnswer();
  void closeAnswer();
  void sendError(int status, std::string_view why);
  void upgradeTo(const AnswerHead& head);

  Connection& connection_;
  const ServerOptions& options_;
  const Handler& handler_;
  Step step_ = Step::kHead;
  std::string input_;  // not yet parsed
  RequestHead head_;   // of the request under way; its Request is moved into the answer
  ChunkedDecoder chunks_;
  std::shared_ptr<Answer> answer_;
  bool draining_ = false;
  bool headSent_ = false;
  bool chunked_ = false;   // the answer
  bool bodyless_ = false;  // the answer's, whatever the handler gives: HEAD, 204, 304
};

void Http1::onInput(std::string_view data) {
  if (step_ == Step::kEnded) return;
  if (step_ == Step::kHead && input_.empty()) connection_.setDeadlineIn(options_.headTime);
  input_.append(data);
  parse();
}

void Http1::parse() {
  if (step_ == Step::kHead) parseHead();
  if (step_ == Step::kBody) parseBody();
}

void Http1::parseHead() {
  if (input_.empty()) return;
  auto result = parseRequestHead(input_);
  if (auto* error = std::get_if<HeadError>(&result)) return sendError(error->status, error->why);
  if (auto* head = std::get_if<RequestHead>(&result)) {
    dropInput(head->size);
    startBody(std::move(*head));
  }
}

void Http1::startBody(RequestHead head) {
  head_ = std::move(head);
  bodyless_ = head_.request.method == "HEAD";
  if (head_.contentLength > options_.maxBody) return sendError(413, "the request body is too large");
  if (head_.framing == Framing::kNone) return dispatch();
  step_ = Step::kBody;
  chunks_ = ChunkedDecoder();
  connection_.setDeadlineIn(options_.bodyTime);
  // RFC 9110 section 10.1.1: not when the body is on its way already.
  if (head_.expectContinue && input_.empty()) connection_.output().append("HTTP/1.1 100 Continue\r\n\r\n");
}

void Http1::parseBody() {
  std::string& body = head_.request.body;
  if (head_.framing == Framing::kLength) {
    size_t count = std::min<uint64_t>(head_.contentLength - body.size(), input_.size());
    body.append(input_, 0, count);
    dropInput(count);
    if (body.size() == head_.contentLength) dispatch();
    return;
  }
  dropInput(chunks_.decode(input_, body));
  if (chunks_.state() == ChunkedDecoder::State::kMalformed) return sendError(400, "malformed chunk");
  if (body.size() > options_.maxBody) return sendError(413, "the request body is too large");
  if (chunks_.state() == ChunkedDecoder::State::kDone) dispatch();
}

void Http1::dropInput(size_t count) {
  if (count == input_.size()) {
    std::string().swap(input_);  // an idle connection holds no buffer
  } else {
    input_.erase(0, count);
  }
}

void Http1::dispatch() {
  step_ = Step::kAnswer;
  headSent_ = false;
  connection_.clearDeadline();
  head_.request.peer = connection_.peer();
  answer_ = std::make_shared<Answer>(connection_.loop(), this, std::move(head_.request), Answer::Upgrades::kAllowed);
  head_.request = {};
  handler_(newExchange(answer_));
}

void Http1::fill() {
  if (!answer_ || connection_.output().size() >= kOutputFull) return;
  Answer::Batch batch = answer_->take(kOutputFull);
  if (!answer_) return;  // take() may call out, and the handler may have closed us
  if (batch.head) {
    if (batch.head->kind == AnswerKind::kUpgrade) return upgradeTo(*batch.head);
    sendHead(*batch.head);
  }
  for (Bytes& piece : batch.pieces) sendPiece(std::move(piece));
  if (batch.abandoned && !headSent_) return sendError(500, "no answer");
  if (batch.abandoned) return connection_.close();  // the missing last chunk tells the client that it is broken off
  if (batch.finished) finishAnswer();
}

void Http1::sendHead(const AnswerHead& head) {
  const std::string& method = answer_->request().method;
  bool forbidden = head.status == 204 || head.status == 304;
  headSent_ = true;
  bodyless_ = forbidden || method == "HEAD";
  auto length = contentLengthOf(head);
  chunked_ = !length && !forbidden && !head_.http10;
  if (draining_ || (!length && head_.http10)) head_.keepAlive = false;
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", head.status, reasonPhrase(head.status), currentDate());
  if (length && !forbidden) text += fmt::format("Content-Length: {}\r\n", *length);
  if (chunked_) text += "Transfer-Encoding: chunked\r\n";
  if (!head_.keepAlive) text += "Connection: close\r\n";
  appendFields(text, head.headers, {"content-length", "transfer-encoding", "connection", "date"});
  text += "\r\n";
  connection_.output().append(std::move(text));
}

void Http1::sendPiece(Bytes piece) {
  if (bodyless_ || !piece || piece->empty()) return;
  if (!chunked_) return connection_.output().append(std::move(piece));
  connection_.output().append(chunkHead(piece->size()));
  connection_.output().append(std::move(piece));
  connection_.output().append("\r\n");
}

void Http1::finishAnswer() {
  if (chunked_ && !bodyless_) connection_.output().append(std::string(kLastChunk));
  closeAnswer();
  if (!head_.keepAlive || draining_) {
    step_ = Step::kEnded;
    return connection_.closeAfterOutput();
  }
  step_ = Step::kHead;
  connection_.setDeadlineIn(input_.empty() ? options_.idleTime : options_.headTime);
  parse();
}

void Http1::closeAnswer() {
  // First ours, then the handler's end: its handler may call anything.
  if (auto answer = std::exchange(answer_, nullptr)) answer->close();
}

void Http1::sendError(int status, std::string_view why) {
  closeAnswer();
  step_ = Step::kEnded;
  Response response = errorAnswer(options_, status, why);
  size_t size = 0;
  for (const Bytes& piece : response.body) size += piece->size();
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
                                 response.status, reasonPhrase(response.status), currentDate(), size);
  appendFields(text, response.headers, {"content-length", "transfer-encoding", "connection", "date"});
  connection_.output().append(text + "\r\n");
  for (Bytes& piece : response.body) {
    if (!bodyless_) connection_.output().append(std::move(piece));
  }
  connection_.closeAfterOutputAndInput();
}

void Http1::upgradeTo(const AnswerHead& head) {
  std::string text = "HTTP/1.1 101 Switching Protocols\r\n";
  if (!head.headers.has("Connection")) text += "Connection: Upgrade\r\n";
  appendFields(text, head.headers, {"content-length", "transfer-encoding"});
  connection_.output().append(text + "\r\n");
  step_ = Step::kEnded;
  closeAnswer();
  connection_.switchTo(newRawProtocol(connection_, head.upgraded, std::move(input_)));
}

void Http1::onStall() {
  // A stream may stand still for as long as its reader likes; TCP's keep-alive finds out when the reader is no more.
  if (!answer_ || !chunked_) connection_.setDeadlineIn(options_.stallTime);
}

void Http1::onDeadline() {
  if (step_ == Step::kAnswer && connection_.output().empty()) return;  // it stalled, and went on
  bool requestUnderWay = step_ == Step::kBody || (step_ == Step::kHead && !input_.empty());
  if (requestUnderWay && connection_.output().empty()) return sendError(408, "the request took too long");
  connection_.close();
}

void Http1::onDrain() {
  draining_ = true;
  if (step_ == Step::kHead && input_.empty()) {
    step_ = Step::kEnded;
    connection_.closeAfterOutput();
  }
}

void Http1::onClosed() {
  step_ = Step::kEnded;
  closeAnswer();
}

}  // namespace

std::unique_ptr<Protocol> newHttp1(Connection& connection, const ServerOptions& options, const Handler& handler) {
  return std::make_unique<Http1>(connection, options, handler);
}

Response errorAnswer(const ServerOptions& options, int status, std::string_view why) {
  if (options.errorResponse) return options.errorResponse(status, why);
  return Response::text(status, "text/plain; charset=utf-8", std::string(why) + "\n");
}

}  // namespace wherry::net

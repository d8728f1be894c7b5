#include "apiserver/proxy_answer.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "apiserver/answer.h"
#include "apiserver/gzip.h"
#include "base/guarded.h"
#include "base/strings.h"
#include "meta/status.h"
#include "net/chunked.h"
#include "net/http_head.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxPage = 8 << 20;  // bytes of HTML that is rewritten; more is passed on as it is

net::Bytes share(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// A client's upgraded connection as a stream; its two ways end together.
class RawByteStream : public net::ByteStream {
 public:
  explicit RawByteStream(std::shared_ptr<net::RawConnection> connection) : connection_(std::move(connection)) {}
  bool write(std::string_view data) override { return connection_->write(share(std::string(data))); }
  void finish() override { connection_->close(); }
  void onWritable(std::function<void()> handler) override { connection_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { connection_->onClosed(std::move(handler)); }
  void onRead(std::function<void(std::string_view)> handler) override { connection_->onRead(std::move(handler)); }
  void onEnd(std::function<void()>) override {}
  void pauseReading(bool paused) override { connection_->pauseReading(paused); }
  void close() override { connection_->close(); }

 private:
  std::shared_ptr<net::RawConnection> connection_;
};

class PassedOn : public std::enable_shared_from_this<PassedOn> {
 public:
  PassedOn(net::ByteStreamPtr backend, net::ExchangePtr exchange, ProxyPlace place, bool upgrade)
      : method_(exchange->request().method),
        place_(std::move(place)),
        upgrade_(upgrade),
        ends_(Ends{std::move(backend), std::move(exchange)}) {}

  void start();

 private:
  // Who holds the two holds each other: let go of at the end.
  struct Ends {
    net::ByteStreamPtr backend;
    net::ExchangePtr exchange;
  };
  enum class Step { kHead, kBody, kPage, kOver };

  void onRead(std::string_view data);
  void onEnd();
  bool readHead();
  void beginAnswer();
  void switchProtocols();
  void readBody();
  void addBody(std::string data);
  void sendPage();
  void bodyEnded();
  void refuse(const meta::StatusError& error);
  Ends letGo() {
    step_ = Step::kOver;
    return ends_.with([](Ends& ends) { return std::exchange(ends, {}); });
  }

  const std::string method_;
  const ProxyPlace place_;
  const bool upgrade_;
  base::Guarded<Ends> ends_;
  // The backend's thread only, all of the rest.
  Step step_ = Step::kHead;
  std::string input_;
  net::ResponseHead head_;
  uint64_t left_ = 0;  // of a body with a length
  net::ChunkedDecoder chunks_;
  std::string page_;
  bool zipped_ = false;  // it
};

void PassedOn::start() {
  auto [backend, exchange] = ends_.copy();
  exchange->onWritable([self = shared_from_this()] {
    if (auto stream = self->ends_.copy().backend) stream->pauseReading(false);
  });
  exchange->onClosed([self = shared_from_this()] {
    auto ends = self->ends_.with([](Ends& all) { return std::exchange(all, {}); });
    if (ends.backend) ends.backend->close();
  });
  backend->write(renderProxyRequest(exchange->request(), place_, upgrade_));
  backend->onClosed([self = shared_from_this()] { self->onEnd(); });
  backend->onEnd([self = shared_from_this()] { self->onEnd(); });
  backend->onRead([self = shared_from_this()](std::string_view data) { self->onRead(data); });
}

void PassedOn::onRead(std::string_view data) {
  if (step_ == Step::kOver) return;
  input_.append(data);
  if (step_ == Step::kHead && !readHead()) return;
  if (step_ == Step::kBody || step_ == Step::kPage) readBody();
}

// False when there is no body to read on with.
bool PassedOn::readHead() {
  for (;;) {
    auto result = net::parseResponseHead(input_, method_);
    if (std::holds_alternative<net::Incomplete>(result)) return false;
    if (auto* error = std::get_if<net::HeadError>(&result)) {
      refuse(meta::serviceUnavailable(
          fmt::format("error trying to reach service: malformed HTTP response: {}", error->why)));
      return false;
    }
    head_ = std::move(std::get<net::ResponseHead>(result));
    input_.erase(0, head_.size);
    if (head_.status >= 200 || head_.status == 101) break;  // 100 Continue and the like are not for us
  }
  if (head_.status == 101) {
    switchProtocols();
    return false;
  }
  if (upgrade_ && head_.status < 400) {
    refuse(meta::internalError(fmt::format("invalid upgrade response: status code {}", head_.status)));
    return false;
  }
  beginAnswer();
  return step_ != Step::kOver;
}

void PassedOn::switchProtocols() {
  if (!upgrade_) return refuse(meta::internalError("an upgrade that nobody asked for"));
  auto ends = letGo();  // first: the exchange is closed by its upgrade
  if (!ends.exchange) return;
  net::Headers headers = head_.headers;
  headers.set("Connection", "Upgrade");
  auto connection = ends.exchange->upgrade(std::move(headers));
  if (!connection) return ends.backend->close();
  if (!input_.empty()) connection->write(share(std::move(input_)));
  net::splice(std::make_shared<RawByteStream>(std::move(connection)), std::move(ends.backend), nullptr);
}

void PassedOn::beginAnswer() {
  step_ = Step::kBody;
  left_ = head_.contentLength;
  auto type = base::trim(head_.headers.get("Content-Type").substr(0, head_.headers.get("Content-Type").find(';')));
  auto encoding = head_.headers.get("Content-Encoding");
  zipped_ = encoding == "gzip";
  bool isPage = base::equalsIgnoreCase(type, "text/html") && !head_.headers.has("Location") && method_ != "HEAD" &&
                (encoding.empty() || zipped_) && left_ <= kMaxPage && head_.framing != net::Framing::kNone;
  auto exchange = ends_.copy().exchange;
  auto headers = proxyAnswerHeaders(head_.headers, place_);
  if (isPage) {
    step_ = Step::kPage;
  } else if (exchange) {
    exchange->begin(head_.status, std::move(headers));
  }
  if (head_.framing == net::Framing::kNone || (head_.framing == net::Framing::kLength && left_ == 0)) bodyEnded();
}

void PassedOn::readBody() {
  if (input_.empty()) return;
  if (head_.framing == net::Framing::kChunked) {
    std::string data;
    input_.erase(0, chunks_.decode(input_, data));
    addBody(std::move(data));
    if (chunks_.state() == net::ChunkedDecoder::State::kDone) return bodyEnded();
    if (chunks_.state() == net::ChunkedDecoder::State::kMalformed) letGo();  // unfinished: the client sees that
    return;
  }
  if (head_.framing == net::Framing::kUntilClose) return addBody(std::exchange(input_, {}));
  input_.resize(std::min<uint64_t>(left_, input_.size()));
  left_ -= input_.size();
  addBody(std::exchange(input_, {}));
  if (left_ == 0) bodyEnded();
}

void PassedOn::addBody(std::string data) {
  if (step_ == Step::kPage) {
    page_.append(data);
    if (page_.size() <= kMaxPage) return;
    data = std::exchange(page_, {});  // too long: what there is, and the rest as it comes
    step_ = Step::kBody;
    auto exchange = ends_.copy().exchange;
    if (exchange) exchange->begin(head_.status, proxyAnswerHeaders(head_.headers, place_));
  }
  auto [backend, exchange] = ends_.copy();
  if (!exchange || data.empty()) return;
  // Paused first: onWritable's call may come before write() has returned.
  backend->pauseReading(true);
  if (exchange->write(share(std::move(data)))) backend->pauseReading(false);
}

void PassedOn::sendPage() {
  auto exchange = ends_.copy().exchange;
  if (!exchange) return;
  std::string page = std::move(page_);
  auto plain = zipped_ ? gunzip(page, kMaxPage) : std::optional(page);
  if (plain) {
    page = rewriteProxyHtml(*plain, place_);
    if (zipped_) page = gzip(page);
  }
  auto headers = proxyAnswerHeaders(head_.headers, place_);
  headers.remove("Content-Length");
  net::Response response;
  response.status = head_.status;
  response.headers = std::move(headers);
  response.body.push_back(share(std::move(page)));
  exchange->respond(std::move(response));
}

void PassedOn::bodyEnded() {
  bool isPage = step_ == Step::kPage;
  if (isPage) sendPage();
  auto ends = letGo();
  if (ends.exchange && !isPage) ends.exchange->finish();
  if (ends.backend) ends.backend->close();
}

void PassedOn::onEnd() {
  if (step_ == Step::kOver) return;
  bool answered = step_ == Step::kBody || step_ == Step::kPage;
  if (!answered) return refuse(meta::serviceUnavailable("error trying to reach service: EOF"));
  if (head_.framing == net::Framing::kUntilClose) return bodyEnded();
  letGo();  // unfinished: the client sees that
}

void PassedOn::refuse(const meta::StatusError& error) {
  auto ends = letGo();
  if (ends.exchange) ends.exchange->respond(statusAnswer(error, {}));
  if (ends.backend) ends.backend->close();
}

}  // namespace

void passOn(net::ByteStreamPtr backend, net::ExchangePtr exchange, ProxyPlace place, bool upgrade) {
  std::make_shared<PassedOn>(std::move(backend), std::move(exchange), std::move(place), upgrade)->start();
}

}  // namespace wherry::apiserver

#include "apiserver/flow/request_observer.h"

#include <algorithm>

#include "apiserver/answer.h"
#include "apiserver/flow/go_duration.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

using audit::Level;
using audit::Stage;

constexpr const char* kAuditId = "Audit-ID";
constexpr size_t kMaxAuditId = 64;

const base::Log& log() {
  static const base::Log kLog("apiserver");
  return kLog;
}

// A client may bring an id of its own, so that its request can be found in the logs of several servers.
std::string chooseAuditId(const net::Request& request) {
  auto given = request.headers.get(kAuditId);
  bool plain = std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c < 127; });
  return given.empty() || given.size() > kMaxAuditId || !plain ? base::newUuid() : std::string(given);
}

std::string uriOf(const net::Request& request) {
  return request.query.empty() ? request.path : request.path + "?" + request.query;
}

uint64_t sizeOf(const net::Response& response) {
  uint64_t size = 0;
  for (const auto& piece : response.body) size += piece->size();
  return size;
}

std::string joined(const net::Response& response) {
  std::string text;
  for (const auto& piece : response.body) text += *piece;
  return text;
}

}  // namespace

RequestObserver::RequestObserver(ObserverOptions options, Backend& backend)
    : options_(std::move(options)),
      backend_(backend),
      clock_(backend.clock),
      limiter_(options_.limits),
      deadlines_(backend.dispatcher) {}

ObservedExchange::ObservedExchange(net::ExchangePtr inner, std::shared_ptr<RequestObserver> observer)
    : inner_(std::move(inner)),
      observer_(std::move(observer)),
      received_(observer_->clock().now()),
      auditId_(chooseAuditId(inner_->request())) {}

// Nobody answered, or the stream was let go of: the connection answers, or closes.
ObservedExchange::~ObservedExchange() { complete(status_ == 0 ? 500 : status_.load()); }

void ObservedExchange::identify(const RequestInfo& info, UserPtr requester) {
  info_ = info;
  requester_ = std::move(requester);
  verb_ = info.isResource ? std::string(verbName(info.verb)) : base::toLower(request().method);
  labels_ = labelsOf(info, request().method, *observer_->backend().kinds());
  if (const auto& policy = observer_->options().auditPolicy) audited_ = policy->decide(*requester_, info_, verb_);
  identified_ = true;
  countStarted(labels_);
  note(Stage::kRequestReceived, 0);
}

void ObservedExchange::admit(const UserPtr& user) {
  if (user != requester_) impersonated_ = user;
  ticket_ = observer_->limiter().admit(*user, info_.ns, labels_.lasting);
  if (!labels_.lasting) setDeadline();
}

void ObservedExchange::noteDecision(const Decision& decision) {
  if (audited_.level == Level::kNone) return;
  notes_->add("authorization.k8s.io/decision", decision.allowed ? "allow" : "forbid");
  notes_->add("authorization.k8s.io/reason", decision.reason);
}

void ObservedExchange::setDeadline() {
  auto time = observer_->options().limits.requestTime;
  if (auto text = info_.query.get("timeout"); !text.empty() && info_.isResource) {
    auto asked = parseGoDuration(text);
    if (!asked)
      throw meta::badRequest("invalid timeout specified in the request URL - time: invalid duration \"" +
                             std::string(text.substr(0, kMaxAuditId)) + "\"");
    if (*asked > std::chrono::nanoseconds(0))
      time = std::min(time, std::chrono::ceil<std::chrono::milliseconds>(*asked));
  }
  deadline_ = observer_->deadlines().add(time, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->answerLate();
  });
}

void ObservedExchange::answerLate() {
  auto error = meta::timeout("request did not complete within the allotted timeout");
  respond(statusAnswer(error.withDetails({}), {}));
}

void ObservedExchange::respond(net::Response response) {
  if (!takeAnswer()) return;
  int status = response.status;
  bytes_ = sizeOf(response);
  // A refusal's words are in the log at every level.
  if (audited_.level == Level::kRequestResponse || (audited_.level != Level::kNone && status >= 400)) {
    body_ = joined(response);
    bodyType_ = response.headers.get("Content-Type");
  }
  response.headers.set("Audit-Id", auditId_);
  complete(status);  // first, so that who has the answer finds it counted
  inner_->respond(std::move(response));
}

void ObservedExchange::begin(int status, net::Headers headers) {
  if (!takeAnswer()) return;
  status_ = status;
  headers.set("Audit-Id", auditId_);
  if (labels_.lasting) note(Stage::kResponseStarted, status);
  inner_->begin(status, std::move(headers));
}

bool ObservedExchange::write(net::Bytes data) {
  bytes_ += data->size();
  return inner_->write(std::move(data));
}

void ObservedExchange::finish() {
  inner_->finish();
  complete(status_);
}

void ObservedExchange::onClosed(std::function<void()> handler) {
  inner_->onClosed([weak = weak_from_this(), handler = std::move(handler)] {
    auto self = weak.lock();
    if (handler) handler();
    if (self && self->status_ != 0) self->complete(self->status_);
  });
}

std::shared_ptr<net::RawConnection> ObservedExchange::upgrade(net::Headers headers) {
  if (!takeAnswer()) return nullptr;
  headers.set("Audit-Id", auditId_);
  auto connection = inner_->upgrade(std::move(headers));
  if (!connection) {
    answered_ = false;  // HTTP/2 has none: somebody answers that
    return nullptr;
  }
  status_ = 101;
  if (labels_.lasting) note(Stage::kResponseStarted, status_);
  return connection;
}

void ObservedExchange::complete(int status) {
  if (completed_.exchange(true)) return;
  deadline_.release();
  ticket_.release();
  if (!identified_) return;
  auto took = std::chrono::steady_clock::now() - start_;
  countEnded(labels_, status, took, bytes_);
  note(Stage::kResponseComplete, status, {bodyType_, body_});
  log().debug("{} {} {} {} {} bytes, {:.1f} ms, {}", requester_->name, request().method, uriOf(request()), status,
              bytes_.load(), std::chrono::duration<double, std::milli>(took).count(), auditId_);
}

void ObservedExchange::note(Stage stage, int status, const audit::Body& response) {
  const auto& auditLog = observer_->options().auditLog;
  if (!auditLog || !audited_.notes(stage)) return;
  const auto& from = request();
  std::string uri = uriOf(from);
  bool written = auditLog->write(audit::renderEvent({.decision = audited_,
                                                     .stage = stage,
                                                     .auditId = auditId_,
                                                     .requestUri = uri,
                                                     .verb = verb_,
                                                     .user = *requester_,
                                                     .impersonated = impersonated_.get(),
                                                     .sourceIp = from.peer ? from.peer->address : "",
                                                     .userAgent = from.headers.get("User-Agent"),
                                                     .info = info_,
                                                     .status = status,
                                                     .request = {from.headers.get("Content-Type"), from.body},
                                                     .response = response,
                                                     .received = received_,
                                                     .now = observer_->clock().now(),
                                                     .annotations = notes_->all()}));
  countAuditEvent(!written);
}

}  // namespace wherry::apiserver

// Watches over requests from their first step to the last byte of their answers: limits, deadlines, the audit log,
// metrics and the request log. A request goes through all of the server wrapped in an exchange of ours.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "apiserver/audit/event.h"
#include "apiserver/audit/log.h"
#include "apiserver/audit/notes.h"
#include "apiserver/audit/policy.h"
#include "apiserver/backend.h"
#include "apiserver/flow/deadlines.h"
#include "apiserver/flow/request_limits.h"
#include "apiserver/request_info.h"
#include "apiserver/telemetry/request_metrics.h"
#include "apiserver/written.h"
#include "net/server.h"

namespace wherry::apiserver {

struct ObserverOptions {
  RequestLimits limits;
  std::shared_ptr<const audit::Policy> auditPolicy;  // null: nothing is noted
  std::shared_ptr<audit::Log> auditLog;
};

// Safe from any thread. Its exchanges share it; the backend need only live until requests are identified.
class RequestObserver {
 public:
  RequestObserver(ObserverOptions options, Backend& backend);

  const ObserverOptions& options() const { return options_; }
  const Backend& backend() const { return backend_; }
  const base::Clock& clock() const { return clock_; }
  RequestLimiter& limiter() { return limiter_; }
  Deadlines& deadlines() { return deadlines_; }

 private:
  const ObserverOptions options_;
  const Backend& backend_;
  const base::Clock& clock_;
  RequestLimiter limiter_;
  Deadlines deadlines_;
};

class ObservedExchange : public net::Exchange, public std::enable_shared_from_this<ObservedExchange> {
 public:
  ObservedExchange(net::ExchangePtr inner, std::shared_ptr<RequestObserver> observer);
  ~ObservedExchange() override;

  // Who asks for what: counts the request and notes that it came.
  void identify(const RequestInfo& info, UserPtr requester);
  // As whom they act, which may be somebody else: gives the request its place among those under way, and its deadline.
  // Throws StatusError: TooManyRequests, BadRequest for a time-out that is none.
  void admit(const UserPtr& user);
  // Whether it is permitted, and why.
  void noteDecision(const Decision& decision);
  const AuditNotesPtr& notes() const { return notes_; }

  const net::Request& request() const override { return inner_->request(); }
  void respond(net::Response response) override;
  void begin(int status, net::Headers headers) override;
  bool write(net::Bytes data) override;
  void finish() override;
  void onWritable(std::function<void()> handler) override { inner_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override;
  std::shared_ptr<net::RawConnection> upgrade(net::Headers headers) override;

 private:
  void setDeadline();
  void answerLate();
  bool takeAnswer() { return !answered_.exchange(true); }
  void complete(int status);
  void note(audit::Stage stage, int status, const audit::Body& response = {});

  net::ExchangePtr inner_;
  const std::shared_ptr<RequestObserver> observer_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const base::WallTime received_;
  std::string auditId_;
  AuditNotesPtr notes_ = std::make_shared<AuditNotes>();

  // Set by identify(), before anybody else can answer.
  bool identified_ = false;
  RequestInfo info_;
  UserPtr requester_;
  UserPtr impersonated_;  // null: they act as themselves
  std::string verb_;
  RequestLabels labels_;
  audit::Decision audited_;
  RequestLimiter::Ticket ticket_;
  Deadlines::Hold deadline_;

  std::atomic<bool> answered_{false};
  std::atomic<bool> completed_{false};
  std::atomic<int> status_{0};
  std::atomic<uint64_t> bytes_{0};
  std::string body_, bodyType_;  // of the answer, when the audit log wants it
};

}  // namespace wherry::apiserver

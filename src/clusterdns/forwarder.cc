#include "clusterdns/forwarder.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/random.h"
#include "clusterdns/forward_metrics.h"
#include "clusterdns/socket_address.h"
#include "clusterdns/upstream_answer.h"
#include "dns/message.h"

namespace wherry::clusterdns {
namespace {

const base::Log kLog("clusterdns");

constexpr size_t kFewestAttempts = 3, kMostAttempts = 6;
constexpr size_t kPadTo = 128;      // RFC 8467 section 4.1
constexpr size_t kMaxReply = 4096;  // what we ask for is far less; what is longer is cut, and no answer

bool isFailure(dns::Rcode rcode) { return rcode != dns::Rcode::kNoError && rcode != dns::Rcode::kNxDomain; }

}  // namespace

// One question over UDP, on a socket of its own.
class Forwarder::Datagram : public net::EventLoop::Source {
 public:
  Datagram(std::shared_ptr<Exchange> exchange, size_t index, std::string query)
      : exchange_(std::move(exchange)), index_(index), query_(std::move(query)) {}

  // False when it can't even be sent.
  bool send(const Upstream& upstream) {
    SocketAddress server = SocketAddress::of(upstream.address, upstream.port);
    fd_.reset(::socket(server.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // connect() takes a port of ip_local_port_range at random, and lets through what the resolver itself sends.
    return fd_ && ::connect(fd_.get(), server.get(), server.size) == 0 &&
           ::send(fd_.get(), query_.data(), query_.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(query_.size());
  }

  void onReady(uint32_t) override;
  int fd() const { return fd_.get(); }
  size_t index() const { return index_; }
  const std::string& query() const { return query_; }
  base::MonotonicTime since() const { return since_; }

 private:
  std::shared_ptr<Exchange> exchange_;
  const size_t index_;
  const std::string query_;
  const base::MonotonicTime since_ = std::chrono::steady_clock::now();
  base::Fd fd_;
};

// One question on its way through the resolvers of a group.
class Forwarder::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(const Forwarder& forwarder, Question question, std::shared_ptr<UpstreamGroup> group, OnReply onReply)
      : loop_(forwarder.loop_),
        times_(forwarder.times_),
        question_(std::move(question)),
        group_(std::move(group)),
        onReply_(std::move(onReply)) {}

  void start() {
    auto now = std::chrono::steady_clock::now();
    if (group_->health.allDown()) forwardCounts().allDown.add();
    plan_ = group_->health.order(now);
    attemptsLeft_ = std::clamp(plan_.size(), kFewestAttempts, kMostAttempts);
    deadline_ = loop_.addTimer(now + times_.total, [self = shared_from_this()] {
      self->deadline_.reset();
      self->finish(self->failure_);
    });
    tryNext();
  }

  // -- what attempts tell -------------------------------------------------------------------------------------------

  void datagramCame(Datagram& datagram, std::string_view packet) {
    Match match = matchAnswer(packet, datagram.query());
    size_t index = datagram.index();
    UpstreamGroup::State& state = group_->states[index];
    if (match == Match::kNone) return forwardCounts().dropped.add();
    if (match == Match::kOtherCase) {
      if (std::exchange(doubted_, true)) return;
      state.foldsCase = true;
      return askOverStream(index, nullptr);  // where nobody can guess
    }
    ReplyPtr reply = match == Match::kExact ? Reply::read(packet) : nullptr;
    if (match == Match::kExact && !reply) return forwardCounts().dropped.add();
    close(datagram.fd());
    if (refusesEdns(index, reply.get())) return askOverUdp(index);
    if (!reply) return attemptFailed(index);
    answered(index, datagram.since(), reply->rcode());
    if (reply->truncated()) return askOverStream(index, reply);
    take(std::move(reply));
  }

  void datagramFailed(Datagram& datagram) {
    close(datagram.fd());
    attemptFailed(datagram.index());
  }

 private:
  // Asks one more resolver, if there is one; with the last one there is nothing but to wait.
  void tryNext() {
    stopWaiting();
    if (done_) return;
    if (attemptsLeft_ == 0) {
      if (underWay() == 0) finish(failure_);
      return;
    }
    --attemptsLeft_;
    UpstreamHealth::Candidate candidate = plan_[next_++ % plan_.size()];
    bool tls = group_->upstreams[candidate.index].protocol == Upstream::Protocol::kTls;
    auto& connection = group_->states[candidate.index].connection;
    bool connects = tls && !(connection && connection->usable());
    auto patience = candidate.suspect ? times_.suspectPatience : connects ? times_.connectPatience : times_.patience;
    waiting_ = loop_.addTimer(std::chrono::steady_clock::now() + patience, [self = shared_from_this(), candidate] {
      self->waiting_.reset();
      self->tookTooLong(candidate.index);
    });
    if (tls) return askOverStream(candidate.index, nullptr);
    askOverUdp(candidate.index);
  }

  void tookTooLong(size_t index) {
    // A connection that says nothing takes no more questions; this one's answer may still come.
    const auto& connection = group_->states[index].connection;
    if (std::any_of(tickets_.begin(), tickets_.end(), [&](const auto& entry) { return entry.first == connection; })) {
      connection->retire();
    }
    failed(index);
    tryNext();
  }

  void askOverUdp(size_t index) {
    UpstreamGroup::State& state = group_->states[index];
    auto datagram =
        std::make_shared<Datagram>(shared_from_this(), index, writeQuery(state, state.foldsCase ? 0 : 1, 0));
    if (!datagram->send(group_->upstreams[index])) return attemptFailed(index);
    datagrams_.push_back(datagram->fd());
    loop_.add(datagram->fd(), EPOLLIN, datagram);
  }

  // `cut`: what came over UDP and is better than nothing.
  void askOverStream(size_t index, ReplyPtr cut) {
    if (cut && !failure_) failure_ = std::move(cut);
    const Upstream& upstream = group_->upstreams[index];
    UpstreamGroup::State& state = group_->states[index];
    bool tls = upstream.protocol == Upstream::Protocol::kTls, reused = state.connection && state.connection->usable();
    if (!reused) state.connection = StreamConnection::open(loop_, upstream, tls ? group_->tls : nullptr);
    countConnection(upstream.text(), tls ? "tcp-tls" : "tcp", reused);
    std::shared_ptr<StreamConnection> connection = state.connection;
    if (!connection->usable()) return attemptFailed(index);
    std::string query = writeQuery(state, 0, tls ? kPadTo : 0);
    auto ticket = std::make_shared<StreamConnection::Ticket>();
    auto since = std::chrono::steady_clock::now();
    *ticket = connection->ask(query, [self = shared_from_this(), index, reused, since, query, ticket,
                                      weak = std::weak_ptr(connection)](std::optional<std::string> answer) {
      std::erase_if(self->tickets_, [&](const auto& entry) { return entry.second == ticket; });
      self->streamCame(index, reused, since, query, std::move(answer), weak.lock());
    });
    tickets_.emplace_back(connection, ticket);
  }

  void streamCame(size_t index, bool reused, base::MonotonicTime since, std::string query,
                  std::optional<std::string> answer, const std::shared_ptr<StreamConnection>& connection) {
    if (done_) return;
    if (!answer) {
      // The resolver may close an idle connection at any time, also at this one.
      if (reused && connection && connection->provedItself()) return askOverStream(index, nullptr);
      if (connection) logLoss(index, connection->failure());
      return attemptFailed(index);
    }
    query.replace(0, 2, *answer, 0, 2);  // ids are the connection's
    Match match = matchAnswer(*answer, query);
    ReplyPtr reply = match == Match::kExact || match == Match::kOtherCase ? Reply::read(*answer) : nullptr;
    if (match != Match::kNoQuestion && !reply) {
      forwardCounts().dropped.add();
      return attemptFailed(index);
    }
    if (refusesEdns(index, reply.get())) return askOverStream(index, nullptr);
    if (!reply) return attemptFailed(index);
    answered(index, since, reply->rcode());
    take(std::move(reply));
  }

  // RFC 6891 section 7. Then it is asked without, from now on.
  bool refusesEdns(size_t index, const Reply* reply) {
    bool refuses =
        !reply || (!reply->edns() && (reply->rcode() == dns::Rcode::kFormErr || reply->rcode() == dns::Rcode::kNotImp));
    if (!refuses || group_->states[index].withoutEdns) return false;
    return group_->states[index].withoutEdns = true;
  }

  // An answer, or at least a failure that somebody said.
  void take(ReplyPtr reply) {
    if (done_) return;
    if (!isFailure(reply->rcode())) return finish(std::move(reply));
    failure_ = std::move(reply);
    // Another resolver may know better; the same one would say the same.
    if (next_ >= plan_.size()) attemptsLeft_ = 0;
    tryNext();
  }

  void attemptFailed(size_t index) {
    if (done_) return;
    failed(index);
    // Over UDP a refusal comes at once: another round would only hear it again.
    if (next_ >= plan_.size() && underWay() == 0) attemptsLeft_ = 0;
    tryNext();
  }

  void answered(size_t index, base::MonotonicTime since, dns::Rcode rcode) {
    std::string to = group_->upstreams[index].text();
    countUpstream(to, rcode, std::chrono::steady_clock::now() - since);
    if (group_->health.succeeded(index) == UpstreamHealth::Change::kUp) kLog.info("resolver {} answers again", to);
  }

  void failed(size_t index) {
    std::string to = group_->upstreams[index].text();
    countUpstreamFailure(to);
    auto change = group_->health.failed(index, std::chrono::steady_clock::now());
    if (change == UpstreamHealth::Change::kDown) kLog.warn("resolver {} does not answer", to);
  }

  void logLoss(size_t index, const std::string& why) {
    if (why.empty()) return;
    kLog.debug("resolver {}: {}", group_->upstreams[index].text(), why);
    // What an operator has to repair, such as a certificate, is said once until it works again.
    if (!group_->health.isDown(index)) kLog.warn("resolver {}: {}", group_->upstreams[index].text(), why);
  }

  std::string writeQuery(const UpstreamGroup::State& state, int mixCase, size_t padTo) const {
    return dns::writeQuery({.id = static_cast<uint16_t>(base::randomBelow(65536)),
                            .name = mixCase ? randomCase(question_.name) : question_.name,
                            .type = question_.type,
                            .udpSize = state.withoutEdns ? std::nullopt : std::optional<uint16_t>(dns::kMaxUdpSize),
                            .dnssecOk = question_.dnssecOk,
                            .authenticData = true,  // RFC 6840 section 5.7: whether the resolver has checked it
                            .checkingDisabled = question_.checkingDisabled,
                            .padTo = padTo});
  }

  size_t underWay() const { return datagrams_.size() + tickets_.size(); }

  void close(int fd) {
    std::erase(datagrams_, fd);
    loop_.remove(fd);
  }

  void stopWaiting() {
    if (waiting_) loop_.cancelTimer(*std::exchange(waiting_, std::nullopt));
  }

  void finish(ReplyPtr reply) {
    if (std::exchange(done_, true)) return;
    stopWaiting();
    if (deadline_) loop_.cancelTimer(*std::exchange(deadline_, std::nullopt));
    for (int fd : std::exchange(datagrams_, {})) loop_.remove(fd);
    for (auto& [connection, ticket] : std::exchange(tickets_, {})) connection->forget(*ticket);
    std::exchange(onReply_, nullptr)(std::move(reply));
  }

  net::EventLoop& loop_;
  const ForwardTimes times_;
  const Question question_;
  const std::shared_ptr<UpstreamGroup> group_;
  OnReply onReply_;
  std::vector<UpstreamHealth::Candidate> plan_;
  size_t next_ = 0, attemptsLeft_ = 0;
  std::vector<int> datagrams_;
  std::vector<std::pair<std::shared_ptr<StreamConnection>, std::shared_ptr<StreamConnection::Ticket>>> tickets_;
  ReplyPtr failure_;      // the best that was said so far, though no answer
  bool doubted_ = false;  // an answer came in another case
  bool done_ = false;
  std::optional<net::EventLoop::TimerId> waiting_, deadline_;
};

void Forwarder::Datagram::onReady(uint32_t) {
  auto exchange = exchange_;
  std::array<char, kMaxReply> buffer;
  ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return exchange->datagramFailed(*this);  // an ICMP error: nobody listens there
  exchange->datagramCame(*this, std::string_view(buffer.data(), static_cast<size_t>(count)));
}

void Forwarder::ask(Question question, std::shared_ptr<UpstreamGroup> group, OnReply onReply) {
  std::make_shared<Exchange>(*this, std::move(question), std::move(group), std::move(onReply))->start();
}

}  // namespace wherry::clusterdns

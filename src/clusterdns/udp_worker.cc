#include "clusterdns/udp_worker.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/random.h"
#include "clusterdns/socket_address.h"

namespace wherry::clusterdns {
namespace {

constexpr size_t kBatch = 64;
constexpr int kBusy = 8;  // datagrams that were there at once: more are on their way
constexpr auto kLongAway = std::chrono::milliseconds(5);
constexpr auto kStay = std::chrono::seconds(1);
constexpr size_t kQuerySize = 1232;  // nobody's question is longer
constexpr int kReceiveBuffer = 1 << 20;

// The buffers of one batch of datagrams; what is received in slot i is answered out of slot i.
class Batch {
 public:
  Batch() {
    for (size_t i = 0; i < kBatch; ++i) {
      in_[i] = {queries_[i].data(), kQuerySize};
      received_[i].msg_hdr = {};
      received_[i].msg_hdr.msg_iov = &in_[i];
      received_[i].msg_hdr.msg_iovlen = 1;
      received_[i].msg_hdr.msg_name = &from_[i].storage;
      sent_[i].msg_hdr = {};
      sent_[i].msg_hdr.msg_iov = &out_[i];
      sent_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Waits for one datagram and takes what else is there. -1 and errno, or how many.
  int receive(int fd) {
    for (size_t i = 0; i < used_; ++i) received_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    int count = ::recvmmsg(fd, received_.data(), kBatch, MSG_WAITFORONE, nullptr);
    used_ = count > 0 ? static_cast<size_t>(count) : 0;
    for (size_t i = 0; i < used_; ++i) from_[i].size = received_[i].msg_hdr.msg_namelen;
    return count;
  }

  std::string_view packet(size_t slot) const { return {queries_[slot].data(), received_[slot].msg_len}; }
  const SocketAddress& from(size_t slot) const { return from_[slot]; }
  char* responseBuffer(size_t slot) { return responses_[slot].data(); }

  // `response` stands in the slot's buffer.
  void respond(size_t slot, std::string_view response) {
    out_[toSend_] = {responses_[slot].data(), response.size()};
    sent_[toSend_].msg_hdr.msg_name = &from_[slot].storage;
    sent_[toSend_].msg_hdr.msg_namelen = from_[slot].size;
    ++toSend_;
  }

  // A datagram that can't be sent is lost, as any may be; the ones behind it are not.
  void send(int fd) {
    for (size_t done = 0; done < toSend_;) {
      int count = ::sendmmsg(fd, sent_.data() + done, static_cast<unsigned>(toSend_ - done), MSG_DONTWAIT);
      done += count > 0 ? static_cast<size_t>(count) : 1;
    }
    toSend_ = 0;
  }

 private:
  std::array<std::array<char, kQuerySize>, kBatch> queries_;
  std::array<std::array<char, dns::kMaxUdpSize>, kBatch> responses_;
  std::array<iovec, kBatch> in_, out_;
  std::array<SocketAddress, kBatch> from_;
  std::array<mmsghdr, kBatch> received_, sent_;
  size_t used_ = kBatch;
  size_t toSend_ = 0;
};

}  // namespace

class UdpWorker::Loop {
 public:
  Loop(std::shared_ptr<base::Fd> socket, Serving& serving)
      : socket_(std::move(socket)),
        serving_(serving),
        zone_(serving.zone),
        answerer_(serving.answers, base::randomBelow(UINT32_MAX)),
        external_(serving.upstreams->names(), serving.answers.ttl),
        cookies_(serving.cookieSecret),
        counts_(newQueryCounts()) {}

  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      int count = batch_.receive(socket_->get());
      if (count <= 0) continue;  // a signal
      arrived_ = std::chrono::steady_clock::now();
      const Zone& newest = zone_.newest();
      answerer_.setUpstream(serving_.upstreams->available());
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) answer(newest, i);
      batch_.send(socket_->get());
      countResponses();
      busyBatches_ = count >= kBusy ? busyBatches_ + 1 : 0;
      if (busyBatches_ > 1) letOthersAsk();
    }
  }

 private:
  struct Answered {
    AskedZone zone;
    dns::Rcode rcode;
  };

  void answer(const Zone& zone, size_t slot) {
    auto query = dns::Query::read(batch_.packet(slot));
    if (!query) return;
    const SocketAddress& from = batch_.from(slot);
    std::string_view address = from.bytes();
    bool known = !query->cookie().empty() && cookies_.check(query->cookie(), address, Cookies::now());
    auto verdict = known || serving_.limits.trusted.contains(address) ? RateLimiter::Verdict::kAnswer
                                                                      : serving_.limiter.take(address, arrived_);
    if (verdict != RateLimiter::Verdict::kAnswer) counts_->countLimited();
    if (verdict == RateLimiter::Verdict::kDrop) return;
    size_t limit = std::min<size_t>(query->udpSize(), dns::kMaxUdpSize);
    writer_.writeInto(batch_.responseBuffer(slot));
    if (verdict == RateLimiter::Verdict::kTruncate) {
      writer_.reset(*query, limit);
      writer_.setTruncated();
      return respond(slot, *query, address);
    }
    Outcome outcome = answerer_.answer(zone, *query, limit, writer_);
    bool ours = outcome != Outcome::kForward && writer_.authoritative();
    counts_->countRequest(Transport::kUdp, from.family() == AF_INET6, ours ? AskedZone::kCluster : AskedZone::kOther,
                          query->qtype());
    std::string ns;
    if (serving_.searching && outcome == Outcome::kAnswered && writer_.rcode() == dns::Rcode::kNxDomain && ours) {
      if (auto found = serving_.searching->find(address)) {
        ns = *found;
        outcome = answerer_.search(zone, *query, ns, limit, writer_);
      }
    }
    if (outcome == Outcome::kAnswered) return respond(slot, *query, address);
    answerExternal(slot, *query, outcome, limit, std::move(ns));
  }

  void respond(size_t slot, const dns::Query& query, std::string_view address) {
    Cookies::ServerHalf half;
    if (!query.cookie().empty()) {
      half = cookies_.make(query.cookie(), address, Cookies::now());
      writer_.setServerCookie({half.data(), half.size()});
    }
    batch_.respond(slot, writer_.finish());
    answered_[answeredCount_++] = {writer_.authoritative() ? AskedZone::kCluster : AskedZone::kOther, writer_.rcode()};
  }

  // Names outside of the cluster: out of what is known, else the loop's thread has to ask.
  void answerExternal(size_t slot, const dns::Query& query, Outcome outcome, size_t limit, std::string ns) {
    std::string_view address = batch_.from(slot).bytes();
    if (external_.answerKnown(query, outcome, answerer_.target(), limit, arrived_, writer_)) {
      if (auto name = external_.takeRefresh()) serving_.upstreams->refresh(*name, query);
      return respond(slot, query, address);
    }
    auto send = [socket = socket_, to = batch_.from(slot), counts = serving_.loopCounts,
                 arrived = arrived_](std::string_view response) {
      counts->countReply(response, arrived);
      ::sendto(socket->get(), response.data(), response.size(), MSG_DONTWAIT, to.get(), to.size);
    };
    if (serving_.upstreams->post({std::string(batch_.packet(slot)), std::move(ns), std::string(address), limit},
                                 send)) {
      return;
    }
    writer_.setRcode(dns::Rcode::kServFail);
    respond(slot, query, address);
  }

  // When many ask at once, they run first: the next batch is larger, and a query costs a fifth less
  // (docs/benchmarks.md). Not where that lets in somebody who keeps the core, and not for a lone query or a burst.
  void letOthersAsk() {
    auto left = std::chrono::steady_clock::now();
    if (left < stayUntil_) return;
    ::sched_yield();
    auto back = std::chrono::steady_clock::now();
    if (back - left > kLongAway) stayUntil_ = back + kStay;
  }

  void countResponses() {
    auto took = std::chrono::steady_clock::now() - arrived_;
    for (size_t i = 0; i < answeredCount_; ++i) counts_->countResponse(answered_[i].zone, answered_[i].rcode, took);
    answeredCount_ = 0;
  }

  std::shared_ptr<base::Fd> socket_;
  Serving& serving_;
  ZoneReader zone_;
  Answerer answerer_;
  ExternalAnswerer external_;
  Cookies cookies_;
  dns::ResponseWriter writer_;
  std::shared_ptr<QueryCounts> counts_;
  Batch batch_;
  base::MonotonicTime arrived_, stayUntil_{};
  std::array<Answered, kBatch> answered_;
  size_t answeredCount_ = 0;
  int busyBatches_ = 0;  // one after the other, up to now
};

UdpWorker::UdpWorker(base::Fd socket, Serving& serving) : socket_(std::make_shared<base::Fd>(std::move(socket))) {
  // Waits within recvmmsg itself: one call less for each batch than with poll.
  int flags = ::fcntl(socket_->get(), F_GETFL);
  if (::fcntl(socket_->get(), F_SETFL, flags & ~O_NONBLOCK) != 0) base::throwErrno("fcntl");
  // As large as the host lets it be; a burst waits there instead of being lost.
  ::setsockopt(socket_->get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  thread_ = std::jthread(
      [socket = socket_, &serving](std::stop_token stop) { std::make_unique<Loop>(socket, serving)->run(stop); });
}

UdpWorker::~UdpWorker() {
  thread_.request_stop();
  // Wakes the reader, though it says that the socket is not connected.
  ::shutdown(socket_->get(), SHUT_RD);
}

}  // namespace wherry::clusterdns

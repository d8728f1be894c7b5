#include "clusterdns/udp_worker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "clusterdns/socket_address.h"

namespace wherry::clusterdns {
namespace {

constexpr size_t kBatch = 32;
constexpr size_t kQuerySize = 1232;  // nobody's question is longer

size_t responseLimit(const dns::Query& query) { return std::min<size_t>(query.udpSize(), dns::kMaxUdpSize); }

// The buffers of one batch of datagrams; what is received in slot i is answered in slot i.
struct Batch {
  Batch() {
    for (size_t i = 0; i < kBatch; ++i) {
      in[i] = {queries[i].data(), kQuerySize};
      received[i].msg_hdr = {};
      received[i].msg_hdr.msg_iov = &in[i];
      received[i].msg_hdr.msg_iovlen = 1;
      received[i].msg_hdr.msg_name = &from[i];
    }
  }

  int receive(int fd) {
    for (mmsghdr& message : received) message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    return ::recvmmsg(fd, received.data(), kBatch, MSG_DONTWAIT, nullptr);
  }

  void respond(size_t slot, std::string_view response) {
    std::memcpy(responses[slot].data(), response.data(), response.size());
    out[toSend] = {responses[slot].data(), response.size()};
    sent[toSend].msg_hdr = {};
    sent[toSend].msg_hdr.msg_iov = &out[toSend];
    sent[toSend].msg_hdr.msg_iovlen = 1;
    sent[toSend].msg_hdr.msg_name = &from[slot];
    sent[toSend].msg_hdr.msg_namelen = received[slot].msg_hdr.msg_namelen;
    ++toSend;
  }

  // A datagram that can't be sent is lost, as any may be; the ones behind it are not.
  void send(int fd) {
    for (size_t done = 0; done < toSend;) {
      int count = ::sendmmsg(fd, sent.data() + done, static_cast<unsigned>(toSend - done), 0);
      done += count > 0 ? static_cast<size_t>(count) : 1;
    }
    toSend = 0;
  }

  std::array<std::array<char, kQuerySize>, kBatch> queries;
  std::array<std::array<char, dns::kMaxUdpSize>, kBatch> responses;
  std::array<iovec, kBatch> in, out;
  std::array<sockaddr_storage, kBatch> from;
  std::array<mmsghdr, kBatch> received, sent;
  size_t toSend = 0;
};

}  // namespace

UdpWorker::UdpWorker(base::Fd socket, const SharedZone& zone, AnswerOptions answers,
                     std::shared_ptr<Upstreams> upstreams)
    : socket_(std::make_shared<base::Fd>(std::move(socket))),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      zone_(zone),
      answers_(answers),
      upstreams_(std::move(upstreams)),
      thread_([this](std::stop_token stop) { run(stop); }) {}

UdpWorker::~UdpWorker() {
  thread_.request_stop();
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void UdpWorker::run(std::stop_token stop) {
  auto batch = std::make_unique<Batch>();
  ZoneReader zone(zone_);
  Answerer answerer(answers_, base::randomBelow(UINT32_MAX));
  dns::ResponseWriter writer;
  while (!stop.stop_requested()) {
    int count = batch->receive(socket_->get());
    if (count <= 0) {
      pollfd fds[] = {{socket_->get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
      ::poll(fds, 2, -1);
      continue;
    }
    const Zone& newest = zone.newest();
    answerer.setUpstream(upstreams_->available());
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      std::string_view packet(batch->queries[i].data(), batch->received[i].msg_len);
      auto query = dns::Query::read(packet);
      if (!query) continue;
      size_t limit = responseLimit(*query);
      Outcome outcome = answerer.answer(newest, *query, limit, writer);
      if (outcome == Outcome::kAnswered) {
        batch->respond(i, writer.finish());
        continue;
      }
      SocketAddress to;
      to.storage = batch->from[i];
      to.size = batch->received[i].msg_hdr.msg_namelen;
      upstreams_->post(std::string(packet), outcome, answerer.target(), Transport::kUdp, limit,
                       [socket = socket_, to](std::string_view response) {
                         ::sendto(socket->get(), response.data(), response.size(), 0, to.get(), to.size);
                       });
    }
    batch->send(socket_->get());
  }
}

}  // namespace wherry::clusterdns

#include "linux/netlink_socket.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <system_error>

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

namespace wherry::linux {
namespace {

constexpr size_t kReceiveBytes = 64 * 1024;  // the kernel's dumps come in pieces of at most 32 KiB
constexpr int kReceiveQueueBytes = 4 << 20;  // a batch may fail with one answer for each of its messages

struct Received {
  nlmsghdr header;
  std::string_view payload;
};

// Takes the next message off `rest`; nothing at its end or when it is malformed.
std::optional<Received> takeMessage(std::string_view& rest) {
  auto header = readFixed<nlmsghdr>(rest);
  if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > rest.size()) return std::nullopt;
  Received received{*header, rest.substr(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr))};
  rest.remove_prefix(std::min<size_t>(NLMSG_ALIGN(header->nlmsg_len), rest.size()));
  return received;
}

// The payload of NLMSG_ERROR: the error, the header of the message that it is about, then the explanation.
NetlinkResult readResult(const Received& received) {
  NetlinkResult result;
  result.sequence = received.header.nlmsg_seq;
  auto error = readFixed<nlmsgerr>(received.payload);
  if (!error) return result;
  result.error = -error->error;
  if ((received.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return result;
  size_t echoed = (received.header.nlmsg_flags & NLM_F_CAPPED) != 0 ? sizeof(nlmsghdr) : error->msg.nlmsg_len;
  size_t offset = sizeof(int) + NLMSG_ALIGN(echoed);
  if (offset > received.payload.size()) return result;
  result.explanation = NetlinkAttributes(received.payload.substr(offset)).findText(NLMSGERR_ATTR_MSG).value_or("");
  return result;
}

void setOption(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) base::throwErrno("setsockopt on a netlink socket");
}

base::Fd openSocket(int protocol) {
  base::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) base::throwErrno("open a netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    base::throwErrno("bind a netlink socket");
  }
  return fd;
}

// What there is to read on the socket, in `buffer`.
std::string_view receiveInto(std::string& buffer, int fd) {
  buffer.resize(kReceiveBytes);
  for (;;) {
    ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throwErrno("receive from the kernel by netlink");
    return std::string_view(buffer).substr(0, static_cast<size_t>(count));
  }
}

}  // namespace

void NetlinkResult::check(std::string_view what) const {
  if (ok()) return;
  std::string text(what);
  if (!explanation.empty()) text += " (" + explanation + ")";
  throw std::system_error(error, std::generic_category(), text);
}

NetlinkSocket::NetlinkSocket(int protocol) : fd_(openSocket(protocol)) {
  setOption(fd_.get(), SOL_NETLINK, NETLINK_EXT_ACK, 1);
  setOption(fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, 1);
  int bytes = kReceiveQueueBytes;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);  // smaller is fine too, without the right
}

uint32_t NetlinkSocket::takeSequence(uint32_t count) {
  uint32_t first = sequence_;
  sequence_ += count;
  return first;
}

void NetlinkSocket::send(std::string_view packet) {
  // A packet must fit the send buffer whole; a batch of ten thousand services is 5 MB.
  int bytes = static_cast<int>(std::max<size_t>(packet.size() + 4096, 256 * 1024));
  if (packet.size() > 128 * 1024) setOption(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, bytes);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = 0;
  do {
    sent =
        ::sendto(fd_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) base::throwErrno("send to the kernel by netlink");
}

std::string_view NetlinkSocket::receive() { return receiveInto(buffer_, fd_.get()); }

NetlinkResult NetlinkSocket::tryRequest(NetlinkMessage& message) {
  message.addFlags(NLM_F_ACK);
  uint32_t sequence = takeSequence();
  auto failures = exchange(message.finish(sequence), sequence, sequence);
  return failures.empty() ? NetlinkResult{} : failures.front();
}

std::vector<NetlinkResult> NetlinkSocket::exchange(std::string_view packet, uint32_t first, uint32_t last) {
  send(packet);
  std::vector<NetlinkResult> failures;
  for (;;) {
    std::string_view rest = receive();
    while (auto received = takeMessage(rest)) {
      uint32_t sequence = received->header.nlmsg_seq;
      // Late answers to an earlier, refused packet have numbers before `first`.
      if (received->header.nlmsg_type != NLMSG_ERROR || sequence < first || sequence > last) continue;
      NetlinkResult result = readResult(*received);
      if (!result.ok()) failures.push_back(std::move(result));
      if (sequence == last || sequence == first) return failures;
    }
  }
}

NetlinkResult NetlinkSocket::get(NetlinkMessage& message, const Visit& visit) {
  message.addFlags(NLM_F_ACK);
  uint32_t sequence = takeSequence();
  send(message.finish(sequence));
  for (;;) {
    std::string_view rest = receive();
    while (auto received = takeMessage(rest)) {
      if (received->header.nlmsg_seq != sequence) continue;
      if (received->header.nlmsg_type == NLMSG_ERROR) return readResult(*received);
      visit(received->header.nlmsg_type, received->payload);
    }
  }
}

void NetlinkSocket::dump(NetlinkMessage& message, const Visit& visit) {
  message.addFlags(NLM_F_DUMP);
  uint32_t sequence = takeSequence();
  send(message.finish(sequence));
  for (;;) {
    std::string_view rest = receive();
    while (auto received = takeMessage(rest)) {
      if (received->header.nlmsg_seq != sequence) continue;
      if (received->header.nlmsg_type == NLMSG_ERROR) {
        readResult(*received).check("list by netlink");
        return;
      }
      if (received->header.nlmsg_type == NLMSG_DONE) return;
      visit(received->header.nlmsg_type, received->payload);
    }
  }
}

NetlinkListener::NetlinkListener(int protocol, std::initializer_list<int> groups) : fd_(openSocket(protocol)) {
  for (int group : groups) setOption(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
}

bool NetlinkListener::next(std::chrono::steady_clock::time_point deadline, const NetlinkSocket::Visit& visit) {
  pollfd waiting{fd_.get(), POLLIN, 0};
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    int ready = ::poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX)));
    if (ready == 0) return false;
    if (ready > 0) break;
    if (errno != EINTR) base::throwErrno("poll a netlink socket");
  }
  visitPacket(visit);
  return true;
}

bool NetlinkListener::next(int wake, const NetlinkSocket::Visit& visit) {
  pollfd waiting[] = {{fd_.get(), POLLIN, 0}, {wake, POLLIN, 0}};
  while (::poll(waiting, 2, -1) < 0) {
    if (errno != EINTR) base::throwErrno("poll a netlink socket");
  }
  if (waiting[1].revents != 0) return false;
  visitPacket(visit);
  return true;
}

// Empty when some were lost before it. (GCC 12.2 doesn't keep what a variable had before the `try` in which it is
// assigned to.)
std::string_view NetlinkListener::receivePacket() {
  try {
    return receiveInto(buffer_, fd_.get());
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOBUFS) throw;
    return {};
  }
}

void NetlinkListener::visitPacket(const NetlinkSocket::Visit& visit) {
  std::string_view rest = receivePacket();
  while (auto received = takeMessage(rest)) visit(received->header.nlmsg_type, received->payload);
}

}  // namespace wherry::linux

// NetlinkSocket: requests to the kernel and their answers. It talks to the network namespace of the thread that made
// it, for as long as it lives, whichever thread uses it. Not thread-safe. Failures are std::system_error with the
// kernel's own explanation (extended acknowledgement) in the text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "linux/netlink_message.h"

namespace wherry::linux {

// What the kernel said to one message: 0 or an errno, with words when it had any.
struct NetlinkResult {
  int error = 0;
  std::string explanation;
  uint32_t sequence = 0;

  bool ok() const { return error == 0; }
  // Throws unless ok().
  void check(std::string_view what) const;
};

class NetlinkSocket {
 public:
  // `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER.
  explicit NetlinkSocket(int protocol);

  // Sends the message and waits for its acknowledgement.
  NetlinkResult tryRequest(NetlinkMessage& message);
  void request(NetlinkMessage& message, std::string_view what) { tryRequest(message).check(what); }

  // Called with the type and the payload after nlmsghdr of each message of an answer.
  using Visit = std::function<void(uint16_t type, std::string_view payload)>;
  // Sends a request for one thing.
  NetlinkResult get(NetlinkMessage& message, const Visit& visit);
  // Sends a request for all things of a kind.
  void dump(NetlinkMessage& message, const Visit& visit);

  // Sends `packet`, the messages first..last, as one datagram; returns the failures. It is answered when the message
  // `last` (which must ask for an acknowledgement) is, or when the whole packet is refused under the number `first`.
  std::vector<NetlinkResult> exchange(std::string_view packet, uint32_t first, uint32_t last);

  // `count` sequence numbers in a row; the first of them.
  uint32_t takeSequence(uint32_t count = 1);

 private:
  void send(std::string_view packet);
  std::string_view receive();

  base::Fd fd_;
  uint32_t sequence_ = 1;
  std::string buffer_;
};

// Hears what the kernel tells multicast groups (RTNLGRP_LINK, ...) from its construction on. Not thread-safe.
class NetlinkListener {
 public:
  NetlinkListener(int protocol, int group) : NetlinkListener(protocol, {group}) {}
  NetlinkListener(int protocol, std::initializer_list<int> groups);

  // Waits for the next packet and calls visit for each of its messages; false when none came until `deadline`. A packet
  // that was lost because the queue was full counts as one without messages.
  bool next(std::chrono::steady_clock::time_point deadline, const NetlinkSocket::Visit& visit);
  // The same without a deadline; false when the descriptor `wake` became readable first.
  bool next(int wake, const NetlinkSocket::Visit& visit);

 private:
  std::string_view receivePacket();
  void visitPacket(const NetlinkSocket::Visit& visit);

  base::Fd fd_;
  std::string buffer_;
};

}  // namespace wherry::linux

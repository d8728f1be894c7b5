#include "linux/local_delivery.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/log.h"
#include "linux/links.h"

namespace wherry::linux {
namespace {

const base::Log kLog("network");

// The number of a routing table is free to choose. The place of the rules is behind the table `local` alone, since
// others' rules may lead all that leaves the node elsewhere.
constexpr uint32_t kTable = kClientAddressMark;
constexpr uint32_t kPriority = 100;
constexpr uint8_t kProtocol = 87;  // as of our routes

uint8_t kernelFamily(base::IpFamily family) { return family == base::IpFamily::kIPv4 ? AF_INET : AF_INET6; }

NetlinkMessage ruleMessage(uint16_t type, uint16_t flags, base::IpFamily family, uint8_t sourceLength = 0) {
  NetlinkMessage message(type, flags);
  fib_rule_hdr header{};
  header.family = kernelFamily(family);
  header.src_len = sourceLength;
  header.action = FR_ACT_TO_TBL;
  message.fixed(header);
  message.u32(FRA_PRIORITY, kPriority);
  message.u32(FRA_TABLE, kTable);
  return message;
}

// `from`: all addresses, or fewer.
void setRule(NetlinkSocket& socket, uint32_t mark, const base::IpPrefix& from) {
  NetlinkMessage message = ruleMessage(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, from.family(), from.length());
  if (from.length() > 0) message.bytes(FRA_SRC, from.address().bytes());
  message.u32(FRA_FWMARK, mark);
  message.u32(FRA_FWMASK, UINT32_MAX);
  message.u8(FRA_PROTOCOL, kProtocol);
  NetlinkResult result = socket.tryRequest(message);
  if (result.error != EEXIST) result.check("set a rule for what is delivered here");
}

NetlinkMessage routeMessage(NetlinkSocket& socket, uint16_t type, uint16_t flags, base::IpFamily family) {
  NetlinkMessage message(type, flags);
  rtmsg header{};
  header.rtm_family = kernelFamily(family);
  header.rtm_protocol = kProtocol;
  header.rtm_type = RTN_LOCAL;
  header.rtm_scope = RT_SCOPE_HOST;
  message.fixed(header);
  message.u32(RTA_TABLE, kTable);
  auto loopback = findLink(socket, "lo");
  message.u32(RTA_OIF, static_cast<uint32_t>(loopback ? loopback->index : 0));
  return message;
}

uint32_t tableOf(std::string_view payload) {
  auto header = readFixed<fib_rule_hdr>(payload);
  if (!header) return 0;
  return NetlinkAttributes(payload.substr(NLMSG_ALIGN(sizeof *header))).findU32(FRA_TABLE).value_or(header->table);
}

// Or there never was any: a kernel without the family, or without such rules.
bool isGone(const NetlinkResult& result) {
  return result.error == ENOENT || result.error == ESRCH || result.error == EAFNOSUPPORT || result.error == EOPNOTSUPP;
}

}  // namespace

void deliverMarked(NetlinkSocket& socket, const base::IpPrefix& pods) {
  NetlinkMessage route = routeMessage(socket, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, pods.family());
  socket.request(route, "set the route for what is delivered here");
  setRule(socket, kClientAddressMark, pods);
  setRule(socket, kClientAddressElsewhereMark, base::IpPrefix::all(pods.family()));
}

DeliveryWatch::DeliveryWatch(std::function<void()> gone) : wake_(base::makePipe()) {
  NetlinkListener notifications(NETLINK_ROUTE, {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE});
  thread_ = std::jthread(
      [notifications = std::move(notifications), wake = wake_.read.get(), gone = std::move(gone)]() mutable {
        bool any = false, isGone = false;
        auto visit = [&](uint16_t type, std::string_view payload) {
          any = true;
          isGone = isGone || (type == RTM_DELRULE && tableOf(payload) == kTable);
        };
        try {
          while (notifications.next(wake, visit)) {
            bool isToBeAsked = !any || isGone;  // some were lost
            any = isGone = false;
            if (isToBeAsked) gone();
          }
        } catch (const std::system_error& error) {
          kLog.error("no longer watching rules of policy routing: {}", error.what());
        }
      });
}

DeliveryWatch::~DeliveryWatch() {
  wake_.write.reset();  // the other end becomes readable
  thread_.join();
}

void stopDeliveringMarked(NetlinkSocket& socket, base::IpFamily family) {
  for (;;) {  // a message deletes the first rule that it describes
    NetlinkMessage rule = ruleMessage(RTM_DELRULE, 0, family);
    NetlinkResult result = socket.tryRequest(rule);
    if (isGone(result)) break;
    result.check("remove a rule for what is delivered here");
  }
  NetlinkMessage route = routeMessage(socket, RTM_DELROUTE, 0, family);
  NetlinkResult result = socket.tryRequest(route);
  if (!isGone(result)) result.check("remove the route for what is delivered here");
}

}  // namespace wherry::linux

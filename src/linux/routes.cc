#include "linux/routes.h"

#include <cerrno>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace wherry::linux {
namespace {

constexpr uint8_t kProtocol =
    87;  // whose routes are ours (rtnetlink(7): above RTPROT_STATIC it is for the user to say)

using base::IpAddress;
using base::IpFamily;

std::optional<IpAddress> address(const NetlinkAttributes& attributes, uint16_t type) {
  return IpAddress::fromBytes(attributes.find(type).value_or(""));
}

std::optional<Route> readRoute(std::string_view payload) {
  auto header = readFixed<rtmsg>(payload);
  bool known = header && (header->rtm_family == AF_INET || header->rtm_family == AF_INET6);
  if (!known || header->rtm_type != RTN_UNICAST || (header->rtm_flags & RTM_F_CLONED)) return std::nullopt;
  NetlinkAttributes attributes(payload.substr(NLMSG_ALIGN(sizeof(rtmsg))));
  if (attributes.findU32(RTA_TABLE).value_or(header->rtm_table) != RT_TABLE_MAIN) return std::nullopt;
  Route route;
  auto none = IpAddress::unspecified(header->rtm_family == AF_INET ? IpFamily::kIPv4 : IpFamily::kIPv6);
  route.destination = {address(attributes, RTA_DST).value_or(none), header->rtm_dst_len};
  route.gateway = address(attributes, RTA_GATEWAY);
  route.source = address(attributes, RTA_PREFSRC);
  route.index = static_cast<int>(attributes.findU32(RTA_OIF).value_or(0));
  route.own = header->rtm_protocol == kProtocol;
  route.metric = attributes.findU32(RTA_PRIORITY).value_or(0);
  return route;
}

NetlinkMessage routeMessage(uint16_t type, uint16_t flags, const Route& route) {
  NetlinkMessage message(type, flags);
  rtmsg header{};
  header.rtm_family = route.destination.family() == IpFamily::kIPv4 ? AF_INET : AF_INET6;
  header.rtm_dst_len = route.destination.length();
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = kProtocol;
  header.rtm_type = RTN_UNICAST;
  header.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  if (route.gateway) header.rtm_flags = RTNH_F_ONLINK;
  message.fixed(header);
  if (route.destination.length() > 0) message.bytes(RTA_DST, route.destination.address().bytes());
  if (route.gateway) message.bytes(RTA_GATEWAY, route.gateway->bytes());
  if (route.source) message.bytes(RTA_PREFSRC, route.source->bytes());
  if (route.metric != 0) message.u32(RTA_PRIORITY, route.metric);
  message.u32(RTA_OIF, static_cast<uint32_t>(route.index));
  return message;
}

}  // namespace

std::vector<Route> listRoutes(NetlinkSocket& socket) {
  NetlinkMessage message(RTM_GETROUTE, 0);
  rtmsg request{};
  request.rtm_family = AF_UNSPEC;
  message.fixed(request);
  std::vector<Route> routes;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    if (auto route = readRoute(payload)) routes.push_back(*route);
  });
  return routes;
}

std::optional<Route> findDefaultRoute(const std::vector<Route>& routes, IpFamily family) {
  std::optional<Route> best;
  for (const Route& route : routes) {
    if (route.destination == base::IpPrefix::all(family) && (!best || route.metric < best->metric)) best = route;
  }
  return best;
}

void setRoute(NetlinkSocket& socket, const Route& route) {
  NetlinkMessage message = routeMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
  socket.request(message, "set route " + route.destination.text());
}

void removeRoute(NetlinkSocket& socket, const Route& route) {
  NetlinkMessage message = routeMessage(RTM_DELROUTE, 0, route);
  NetlinkResult result = socket.tryRequest(message);
  if (result.error != ESRCH && result.error != ENODEV) result.check("remove route " + route.destination.text());
}

}  // namespace wherry::linux

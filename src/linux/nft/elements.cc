#include "linux/nft/elements.h"

#include <cerrno>
#include <system_error>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "linux/nft/expressions.h"

namespace wherry::linux::nft {
namespace {

Data readData(const NetlinkAttributes& element, uint16_t attribute) {
  auto nest = element.findNest(attribute);
  return Data::fromBytes(nest ? nest->find(NFTA_DATA_VALUE).value_or("") : "");
}

std::chrono::milliseconds readTime(const NetlinkAttributes& element, uint16_t attribute) {
  return std::chrono::milliseconds(element.findBe64(attribute).value_or(0));
}

ListedElement readElement(const NetlinkAttributes& element) {
  ListedElement listed{.key = readData(element, NFTA_SET_ELEM_KEY),
                       .data = readData(element, NFTA_SET_ELEM_DATA),
                       .timeout = readTime(element, NFTA_SET_ELEM_TIMEOUT),
                       .left = readTime(element, NFTA_SET_ELEM_EXPIRATION)};
  auto expression = element.findNest(NFTA_SET_ELEM_EXPR);
  auto counter = expression ? expression->findNest(NFTA_EXPR_DATA) : std::nullopt;
  if (counter && expression->findText(NFTA_EXPR_NAME) == "counter") {
    listed.packets = counter->findBe64(NFTA_COUNTER_PACKETS).value_or(0);
    listed.bytes = counter->findBe64(NFTA_COUNTER_BYTES).value_or(0);
  }
  return listed;
}

}  // namespace

void listElements(NetlinkSocket& socket, const std::string& table, const std::string& set,
                  const std::function<void(const ListedElement&)>& visit, IpFamily family) {
  NetlinkMessage message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, 0);
  message.fixed(nfgenmsg{nftFamily(family), NFNETLINK_V0, 0});
  message.text(NFTA_SET_ELEM_LIST_TABLE, table);
  message.text(NFTA_SET_ELEM_LIST_SET, set);
  try {
    socket.dump(message, [&](uint16_t, std::string_view payload) {
      if (payload.size() < NLMSG_ALIGN(sizeof(nfgenmsg))) return;
      auto list =
          NetlinkAttributes(payload.substr(NLMSG_ALIGN(sizeof(nfgenmsg)))).findNest(NFTA_SET_ELEM_LIST_ELEMENTS);
      if (!list) return;
      list->forEach([&](uint16_t, std::string_view element) { visit(readElement(NetlinkAttributes(element))); });
    });
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOENT) throw;
  }
}

}  // namespace wherry::linux::nft

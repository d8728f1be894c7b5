#include "linux/nft/base_chains.h"

#include <cerrno>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "linux/nft/expressions.h"

namespace wherry::linux::nft {
namespace {

NetlinkMessage question(uint16_t type, uint8_t family) {
  NetlinkMessage message(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8) | type, 0);
  message.fixed(nfgenmsg{family, NFNETLINK_V0, 0});
  return message;
}

std::optional<HookPoint> hookPoint(uint32_t number) {
  switch (number) {
    case NF_INET_PRE_ROUTING:
      return HookPoint::kPrerouting;
    case NF_INET_LOCAL_IN:
      return HookPoint::kInput;
    case NF_INET_FORWARD:
      return HookPoint::kForward;
    case NF_INET_LOCAL_OUT:
      return HookPoint::kOutput;
    case NF_INET_POST_ROUTING:
      return HookPoint::kPostrouting;
    default:
      return std::nullopt;
  }
}

std::optional<BaseChain> readChain(std::string_view payload) {
  auto header = readFixed<nfgenmsg>(payload);
  if (!header || (header->nfgen_family != NFPROTO_IPV4 && header->nfgen_family != NFPROTO_INET)) return std::nullopt;
  NetlinkAttributes attributes(payload.substr(NLMSG_ALIGN(sizeof(nfgenmsg))));
  auto hook = attributes.findNest(NFTA_CHAIN_HOOK);
  auto point = hook ? hookPoint(hook->findBe32(NFTA_HOOK_HOOKNUM).value_or(~0U)) : std::nullopt;
  if (!point) return std::nullopt;
  return BaseChain{.family = header->nfgen_family == NFPROTO_IPV4 ? "ip" : "inet",
                   .table = attributes.findText(NFTA_CHAIN_TABLE).value_or(""),
                   .name = attributes.findText(NFTA_CHAIN_NAME).value_or(""),
                   .point = *point,
                   .dropsByDefault = attributes.findBe32(NFTA_CHAIN_POLICY) == NF_DROP};
}

}  // namespace

std::vector<BaseChain> listBaseChains(NetlinkSocket& socket) {
  NetlinkMessage message = question(NFT_MSG_GETCHAIN, AF_UNSPEC);
  std::vector<BaseChain> chains;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    if (auto chain = readChain(payload)) chains.push_back(std::move(*chain));
  });
  return chains;
}

bool tableNames(NetlinkSocket& socket, const BaseChain& chain, std::string_view bytes) {
  NetlinkMessage message = question(NFT_MSG_GETRULE, chain.family == "ip" ? NFPROTO_IPV4 : NFPROTO_INET);
  message.text(NFTA_RULE_TABLE, chain.table);
  // The attribute as it stands in an expression's literal.
  nlattr header{static_cast<uint16_t>(sizeof(nlattr) + bytes.size()), NFTA_DATA_VALUE};
  std::string literal(reinterpret_cast<const char*>(&header), sizeof header);
  literal.append(bytes);
  bool found = false;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    found = found || payload.find(literal) != std::string_view::npos;
  });
  return found;
}

bool tableExists(NetlinkSocket& socket, const std::string& table, IpFamily family) {
  NetlinkMessage message = question(NFT_MSG_GETTABLE, nftFamily(family));
  message.text(NFTA_TABLE_NAME, table);
  NetlinkResult result = socket.get(message, [](uint16_t, std::string_view) {});
  if (result.error != ENOENT) result.check("look for table " + table);
  return result.ok();
}

}  // namespace wherry::linux::nft

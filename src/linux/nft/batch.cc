#include "linux/nft/batch.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "linux/nft/expressions.h"

namespace wherry::linux::nft {
namespace {

// Elements of one message lie in one attribute, whose length has 16 bits; this leaves room for the largest element.
constexpr size_t kElementsPerMessageBytes = 60'000;

NetlinkMessage batchMarker(uint16_t type) {
  NetlinkMessage message(type, 0);
  message.fixed(nfgenmsg{AF_UNSPEC, NFNETLINK_V0, NFNL_SUBSYS_NFTABLES << 8});  // the number in network byte order
  return message;
}

// What nft(8) calls the types; the kernel only keeps them for whoever lists the ruleset.
uint32_t typeNumber(FieldType type) {
  switch (type) {
    case FieldType::kAddress:
      return 7;  // ipv4_addr
    case FieldType::kAddress6:
      return 8;  // ipv6_addr
    case FieldType::kProtocol:
      return 12;  // inet_proto
    case FieldType::kPort:
      return 13;  // inet_service
    case FieldType::kNumber:
      return 19;  // mark
    case FieldType::kInterface:
      return 41;  // ifname
  }
  return 0;
}

constexpr int kTypeBits = 6;  // of each type in a concatenation

uint32_t typeNumber(const Type& type) {
  uint32_t number = 0;
  for (FieldType field : type) number = number << kTypeBits | typeNumber(field);
  return number;
}

size_t bytesOf(const Type& type) {
  size_t bytes = 0;
  for (FieldType field : type) bytes += registerBytes(field);
  return bytes;
}

// The length of a key of one field is that of the field, not of its register.
size_t keyBytes(const Type& type) {
  if (type.size() != 1) return bytesOf(type);
  if (type[0] == FieldType::kProtocol) return 1;
  if (type[0] == FieldType::kPort) return 2;
  return registerBytes(type[0]);
}

// For a set whose elements are ranges: the kernel compares field by field.
void putFieldLengths(NetlinkMessage& message, const Type& type) {
  auto fields = message.nest(NFTA_SET_DESC_CONCAT);
  for (FieldType field : type) {
    auto nest = message.nest(NFTA_LIST_ELEM);
    message.be32(NFTA_SET_FIELD_LEN, static_cast<uint32_t>(keyBytes({field})));
    message.endNest(nest);
  }
  message.endNest(fields);
}

uint32_t hookNumber(HookPoint point) {
  switch (point) {
    case HookPoint::kPrerouting:
      return NF_INET_PRE_ROUTING;
    case HookPoint::kInput:
      return NF_INET_LOCAL_IN;
    case HookPoint::kForward:
      return NF_INET_FORWARD;
    case HookPoint::kOutput:
      return NF_INET_LOCAL_OUT;
    case HookPoint::kPostrouting:
      return NF_INET_POST_ROUTING;
  }
  return 0;
}

// Gives the messages of the packet the numbers first, first + 1, ... and lets the last but the end marker answer.
void number(std::string& packet, uint32_t first, uint32_t count) {
  size_t offset = 0;
  for (uint32_t i = 0; i < count; ++i) {
    nlmsghdr header;
    std::memcpy(&header, packet.data() + offset, sizeof header);
    header.nlmsg_seq = first + i;
    if (i == count - 2) header.nlmsg_flags |= NLM_F_ACK;
    std::memcpy(packet.data() + offset, &header, sizeof header);
    offset += NLMSG_ALIGN(header.nlmsg_len);
  }
}

[[noreturn]] void fail(const std::vector<NetlinkResult>& failures) {
  const NetlinkResult& first = failures.front();
  std::string text = std::generic_category().message(first.error);
  if (!first.explanation.empty()) text += " (" + first.explanation + ")";
  if (failures.size() > 1) text += fmt::format(" and {} more", failures.size() - 1);
  throw BatchError(first.error, "nftables refuses the change: " + text);
}

}  // namespace

Batch::Batch(IpFamily family) : family_(family) {}

NetlinkMessage Batch::message(uint16_t type, uint16_t flags) const {
  NetlinkMessage message(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8) | type, flags);
  message.fixed(nfgenmsg{nftFamily(family_), NFNETLINK_V0, 0});
  return message;
}

void Batch::append(NetlinkMessage message) {
  flushElements();
  packet_ += message.finish(0);
  ++count_;
}

void Batch::addTable(const std::string& table) {
  NetlinkMessage message = this->message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  message.text(NFTA_TABLE_NAME, table);
  message.be32(NFTA_TABLE_FLAGS, 0);
  append(std::move(message));
}

void Batch::deleteTable(const std::string& table) {
  NetlinkMessage message = this->message(NFT_MSG_DELTABLE, 0);
  message.text(NFTA_TABLE_NAME, table);
  append(std::move(message));
}

void Batch::removeTableIfAny(const std::string& table) {
  addTable(table);  // so that there is one to delete
  deleteTable(table);
}

void Batch::replaceTable(const Table& table) {
  removeTableIfAny(table.name);
  addTable(table.name);
  for (const Set& set : table.sets) addSet(table.name, set);
  for (const DataMap& map : table.maps) addMap(table.name, map);
  for (const VerdictMap& map : table.verdictMaps) addVerdictMap(table.name, map);
  for (const Chain& chain : table.chains) addChain(table.name, chain);
  for (const Set& set : table.sets) addElements(table.name, set);
  for (const DataMap& map : table.maps) {
    for (const auto& [key, data] : map.elements) addElement(table.name, map.name, key, data);
  }
  for (const VerdictMap& map : table.verdictMaps) {
    for (const auto& [key, verdict] : map.elements) addElement(table.name, map.name, key, verdict);
  }
  for (const Chain& chain : table.chains) addRules(table.name, chain);
}

void Batch::addElements(const std::string& table, const Set& set) {
  for (const Data& key : set.elements) addElement(table, set.name, key);
  if (!set.ranges) return;
  for (const auto& [first, last] : *set.ranges) addRange(table, set.name, first, last);
}

void Batch::addSetMessage(const std::string& table, const std::string& name, const Type& type, uint32_t flags,
                          const std::optional<Dynamic>& dynamic, const std::optional<SetData>& data) {
  NetlinkMessage message = this->message(NFT_MSG_NEWSET, NLM_F_CREATE);
  message.text(NFTA_SET_TABLE, table);
  message.text(NFTA_SET_NAME, name);
  message.be32(NFTA_SET_ID, nextSetId_++);
  message.be32(NFTA_SET_FLAGS, flags | (dynamic ? NFT_SET_EVAL : 0));
  message.be32(NFTA_SET_KEY_TYPE, typeNumber(type));
  message.be32(NFTA_SET_KEY_LEN, static_cast<uint32_t>(keyBytes(type)));
  if (data) {
    message.be32(NFTA_SET_DATA_TYPE, data->type);
    message.be32(NFTA_SET_DATA_LEN, data->bytes);
  }
  auto description = message.nest(NFTA_SET_DESC);
  if (dynamic) message.be32(NFTA_SET_DESC_SIZE, dynamic->size);
  if (flags & NFT_SET_CONCAT) putFieldLengths(message, type);
  message.endNest(description);
  append(std::move(message));
}

void Batch::addSet(const std::string& table, const Set& set) {
  uint32_t flags = set.ranges ? NFT_SET_INTERVAL | NFT_SET_CONCAT : 0;
  addSetMessage(table, set.name, set.type, flags, set.dynamic, std::nullopt);
}

void Batch::addMap(const std::string& table, const DataMap& map) {
  addSetMessage(table, map.name, map.type, NFT_SET_MAP | (map.dynamic ? NFT_SET_TIMEOUT : 0), map.dynamic,
                SetData{typeNumber(map.dataType), static_cast<uint32_t>(keyBytes(map.dataType))});
}

void Batch::addVerdictMap(const std::string& table, const VerdictMap& map) {
  constexpr uint32_t kVerdictBytes = 16;
  addSetMessage(table, map.name, map.type, NFT_SET_MAP, std::nullopt, SetData{NFT_DATA_VERDICT, kVerdictBytes});
}

void Batch::deleteSet(const std::string& table, const std::string& set) {
  NetlinkMessage message = this->message(NFT_MSG_DELSET, 0);
  message.text(NFTA_SET_TABLE, table);
  message.text(NFTA_SET_NAME, set);
  append(std::move(message));
}

void Batch::deleteChain(const std::string& table, const std::string& chain) {
  NetlinkMessage message = this->message(NFT_MSG_DELCHAIN, 0);
  message.text(NFTA_CHAIN_TABLE, table);
  message.text(NFTA_CHAIN_NAME, chain);
  append(std::move(message));
}

void Batch::addChain(const std::string& table, const Chain& chain) {
  NetlinkMessage message = this->message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  message.text(NFTA_CHAIN_TABLE, table);
  message.text(NFTA_CHAIN_NAME, chain.name);
  if (chain.hook) {
    auto hook = message.nest(NFTA_CHAIN_HOOK);
    message.be32(NFTA_HOOK_HOOKNUM, hookNumber(chain.hook->point));
    message.be32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.hook->priority));
    message.endNest(hook);
    message.be32(NFTA_CHAIN_POLICY, NF_ACCEPT);
    message.text(NFTA_CHAIN_TYPE, chainTypeName(chain.hook->type));
  }
  append(std::move(message));
}

void Batch::addRules(const std::string& table, const Chain& chain) {
  for (const Rule& rule : chain.rules) {
    NetlinkMessage message = this->message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    message.text(NFTA_RULE_TABLE, table);
    message.text(NFTA_RULE_CHAIN, chain.name);
    auto expressions = message.nest(NFTA_RULE_EXPRESSIONS);
    for (const Statement& statement : rule.statements) putStatement(message, statement, family_);
    message.endNest(expressions);
    append(std::move(message));
  }
}

void Batch::addElement(const std::string& table, const std::string& set, const Data& key) {
  putElement(NFT_MSG_NEWSETELEM, table, set, {.key = key});
}

void Batch::addElement(const std::string& table, const std::string& set, const Data& key, const Data& data) {
  putElement(NFT_MSG_NEWSETELEM, table, set, {.key = key, .data = &data});
}

void Batch::addElement(const std::string& table, const std::string& set, const Data& key, const Data& data,
                       const Lifetime& lifetime) {
  putElement(NFT_MSG_NEWSETELEM, table, set, {.key = key, .data = &data, .lifetime = &lifetime});
}

void Batch::addElement(const std::string& table, const std::string& set, const Data& key, const Verdict& verdict) {
  putElement(NFT_MSG_NEWSETELEM, table, set, {.key = key, .verdict = &verdict});
}

void Batch::addRange(const std::string& table, const std::string& set, const Data& first, const Data& last) {
  putElement(NFT_MSG_NEWSETELEM, table, set, {.key = first, .last = &last});
}

void Batch::deleteRange(const std::string& table, const std::string& set, const Data& first, const Data& last) {
  putElement(NFT_MSG_DELSETELEM, table, set, {.key = first, .last = &last});
}

void Batch::deleteElement(const std::string& table, const std::string& set, const Data& key) {
  putElement(NFT_MSG_DELSETELEM, table, set, {.key = key});
}

void Batch::openElements(uint16_t messageType, const std::string& table, const std::string& set) {
  std::string of = fmt::format("{} {} {}", messageType, table, set);
  if (elements_ && elementsOf_ == of && elements_->nestSize(elementsNest_) < kElementsPerMessageBytes) return;
  flushElements();
  elements_ = message(messageType, messageType == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
  elements_->text(NFTA_SET_ELEM_LIST_TABLE, table);
  elements_->text(NFTA_SET_ELEM_LIST_SET, set);
  elementsNest_ = elements_->nest(NFTA_SET_ELEM_LIST_ELEMENTS);
  elementsOf_ = std::move(of);
}

void Batch::flushElements() {
  if (!elements_) return;
  elements_->endNest(elementsNest_);
  packet_ += elements_->finish(0);
  ++count_;
  elements_.reset();
}

void Batch::putElement(uint16_t messageType, const std::string& table, const std::string& set, const Element& element) {
  openElements(messageType, table, set);
  auto put = [&](uint16_t attribute, const Data* data) {
    if (!data) return;
    auto nest = elements_->nest(attribute);
    elements_->bytes(NFTA_DATA_VALUE, data->bytes());
    elements_->endNest(nest);
  };
  auto nest = elements_->nest(NFTA_LIST_ELEM);
  put(NFTA_SET_ELEM_KEY, &element.key);
  put(NFTA_SET_ELEM_KEY_END, element.last);
  put(NFTA_SET_ELEM_DATA, element.data);
  if (element.verdict) {
    auto data = elements_->nest(NFTA_SET_ELEM_DATA);
    putVerdict(*elements_, *element.verdict);
    elements_->endNest(data);
  }
  if (element.lifetime) {
    elements_->be64(NFTA_SET_ELEM_TIMEOUT, static_cast<uint64_t>(element.lifetime->timeout.count()));
    elements_->be64(NFTA_SET_ELEM_EXPIRATION, static_cast<uint64_t>(element.lifetime->left.count()));
  }
  elements_->endNest(nest);
}

void Batch::commit(NetlinkSocket& socket) {
  flushElements();
  if (count_ == 0) return;
  uint32_t messages = count_ + 2;
  std::string packet(batchMarker(NFNL_MSG_BATCH_BEGIN).finish(0));
  packet += packet_;
  packet += batchMarker(NFNL_MSG_BATCH_END).finish(0);
  uint32_t first = socket.takeSequence(messages);
  number(packet, first, messages);
  auto failures = socket.exchange(packet, first, first + messages - 2);
  if (!failures.empty()) fail(failures);
}

}  // namespace wherry::linux::nft

#include "linux/netlink_message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace wherry::linux {
namespace {

constexpr size_t aligned(size_t size) { return (size + 3) & ~size_t{3}; }

template <typename T>
std::string_view asBytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <typename T>
std::optional<T> number(std::optional<std::string_view> data) {
  return data ? readFixed<T>(*data) : std::nullopt;
}

}  // namespace

NetlinkMessage::NetlinkMessage(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | flags;
  append(asBytes(header));
}

void NetlinkMessage::append(std::string_view data) {
  data_ += data;
  data_.resize(aligned(data_.size()));
}

void NetlinkMessage::bytes(uint16_t type, std::string_view data) {
  nlattr attribute{static_cast<uint16_t>(sizeof(nlattr) + data.size()), type};
  data_ += asBytes(attribute);
  append(data);
}

void NetlinkMessage::u8(uint16_t type, uint8_t value) { bytes(type, asBytes(value)); }
void NetlinkMessage::u16(uint16_t type, uint16_t value) { bytes(type, asBytes(value)); }
void NetlinkMessage::u32(uint16_t type, uint32_t value) { bytes(type, asBytes(value)); }
void NetlinkMessage::be16(uint16_t type, uint16_t value) { u16(type, htons(value)); }
void NetlinkMessage::be32(uint16_t type, uint32_t value) { u32(type, htonl(value)); }
void NetlinkMessage::be64(uint16_t type, uint64_t value) { bytes(type, asBytes(htobe64(value))); }

void NetlinkMessage::text(uint16_t type, std::string_view value) {
  std::string terminated(value);
  bytes(type, {terminated.c_str(), terminated.size() + 1});
}

size_t NetlinkMessage::nest(uint16_t type) {
  size_t start = data_.size();
  bytes(type | NLA_F_NESTED, {});
  return start;
}

void NetlinkMessage::endNest(size_t nest) {
  auto length = static_cast<uint16_t>(data_.size() - nest);
  std::memcpy(data_.data() + nest, &length, sizeof length);
}

std::string_view NetlinkMessage::finish(uint32_t sequence) {
  nlmsghdr header;
  std::memcpy(&header, data_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(data_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(data_.data(), &header, sizeof header);
  return data_;
}

void NetlinkMessage::addFlags(uint16_t flags) {
  nlmsghdr header;
  std::memcpy(&header, data_.data(), sizeof header);
  header.nlmsg_flags |= flags;
  std::memcpy(data_.data(), &header, sizeof header);
}

uint16_t NetlinkMessage::type() const { return readFixed<nlmsghdr>(data_)->nlmsg_type; }

std::optional<NetlinkAttributes::Attribute> NetlinkAttributes::take(std::string_view& rest) {
  auto header = readFixed<nlattr>(rest);
  if (!header || header->nla_len < sizeof(nlattr) || header->nla_len > rest.size()) return std::nullopt;
  Attribute attribute{static_cast<uint16_t>(header->nla_type & NLA_TYPE_MASK),
                      rest.substr(sizeof(nlattr), header->nla_len - sizeof(nlattr))};
  rest.remove_prefix(std::min(aligned(header->nla_len), rest.size()));
  return attribute;
}

std::optional<std::string_view> NetlinkAttributes::find(uint16_t type) const {
  std::string_view rest = data_;
  while (auto next = take(rest)) {
    if (next->type == type) return next->data;
  }
  return std::nullopt;
}

std::optional<NetlinkAttributes> NetlinkAttributes::findNest(uint16_t type) const {
  auto data = find(type);
  if (!data) return std::nullopt;
  return NetlinkAttributes(*data);
}

std::optional<uint8_t> NetlinkAttributes::findU8(uint16_t type) const { return number<uint8_t>(find(type)); }

std::optional<uint16_t> NetlinkAttributes::findBe16(uint16_t type) const {
  auto value = number<uint16_t>(find(type));
  return value ? std::optional(ntohs(*value)) : std::nullopt;
}

std::optional<uint32_t> NetlinkAttributes::findU32(uint16_t type) const { return number<uint32_t>(find(type)); }

std::optional<uint32_t> NetlinkAttributes::findBe32(uint16_t type) const {
  auto value = findU32(type);
  return value ? std::optional(ntohl(*value)) : std::nullopt;
}

std::optional<uint64_t> NetlinkAttributes::findBe64(uint16_t type) const {
  auto value = number<uint64_t>(find(type));
  return value ? std::optional(be64toh(*value)) : std::nullopt;
}

std::optional<std::string> NetlinkAttributes::findText(uint16_t type) const {
  auto data = find(type);
  if (!data) return std::nullopt;
  return std::string(data->substr(0, data->find('\0')));
}

}  // namespace wherry::linux

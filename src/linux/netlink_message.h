// Netlink messages (RFC 3549): built as bytes, read as attributes. Pure; an instance belongs to one thread.
//
//   NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE);
//   message.fixed(ifinfomsg{});
//   message.text(IFLA_IFNAME, "eth0");
//   auto nest = message.nest(IFLA_LINKINFO);
//   message.text(IFLA_INFO_KIND, "veth");
//   message.endNest(nest);
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::linux {

class NetlinkMessage {
 public:
  NetlinkMessage(uint16_t type, uint16_t flags);

  // The header that follows nlmsghdr (ifinfomsg, nfgenmsg, ...).
  template <typename T>
  void fixed(const T& value) {
    append({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void bytes(uint16_t type, std::string_view data);
  void u8(uint16_t type, uint8_t value);
  void u16(uint16_t type, uint16_t value);
  void u32(uint16_t type, uint32_t value);   // host byte order
  void be16(uint16_t type, uint16_t value);  // network byte order, from a host number
  void be32(uint16_t type, uint32_t value);
  void be64(uint16_t type, uint64_t value);
  void text(uint16_t type, std::string_view value);  // with the NUL that the kernel wants
  void flag(uint16_t type) { bytes(type, {}); }

  // Opens a nested attribute; what is added until endNest() lies inside. An attribute holds at most 65,535 bytes.
  size_t nest(uint16_t type);
  void endNest(size_t nest);
  size_t nestSize(size_t nest) const { return data_.size() - nest; }

  // The finished message, with its length and `sequence` filled in.
  std::string_view finish(uint32_t sequence);
  void addFlags(uint16_t flags);
  uint16_t type() const;

 private:
  void append(std::string_view data);  // padded to four bytes

  std::string data_;
};

// The attributes of a received message or nest, by type. Views the bytes. Malformed input ends the walk.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(std::string_view data) : data_(data) {}

  std::optional<std::string_view> find(uint16_t type) const;
  std::optional<NetlinkAttributes> findNest(uint16_t type) const;
  std::optional<uint8_t> findU8(uint16_t type) const;
  std::optional<uint16_t> findBe16(uint16_t type) const;
  std::optional<uint32_t> findU32(uint16_t type) const;
  std::optional<uint32_t> findBe32(uint16_t type) const;
  std::optional<uint64_t> findBe64(uint16_t type) const;
  std::optional<std::string> findText(uint16_t type) const;

  // Calls f(type, data) for each.
  template <typename F>
  void forEach(F&& f) const {
    std::string_view rest = data_;
    while (auto next = take(rest)) f(next->type, next->data);
  }

 private:
  struct Attribute {
    uint16_t type;
    std::string_view data;
  };
  static std::optional<Attribute> take(std::string_view& rest);

  std::string_view data_;
};

// The T at the beginning of `data`; nothing when it is shorter.
template <typename T>
std::optional<T> readFixed(std::string_view data) {
  if (data.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, data.data(), sizeof value);
  return value;
}

}  // namespace wherry::linux

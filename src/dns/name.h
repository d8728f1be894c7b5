// Domain names (RFC 1035 section 3.1): labels of at most 63 bytes, at most 255 bytes on the wire. Immutable values;
// compared without case (RFC 4343).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::dns {

class Name {
 public:
  Name() : wire_(1, '\0') {}  // the root

  // "web.default.svc.cluster.local." (the last dot may be missing); \. and \DDD escapes (RFC 4343 section 2.1). Nothing
  // for an empty label or one that is too long.
  static std::optional<Name> parse(std::string_view text);
  // REQUIRES: parse(text) succeeds. For names that the product makes itself.
  static Name of(std::string_view text);
  // Reads a possibly compressed name at `at` of `message` and moves `at` behind it. Nothing when it runs out of the
  // message, loops or is too long.
  static std::optional<Name> read(std::string_view message, size_t& at);
  // Uncompressed wire form, as it stands in a message or another Name.
  static Name fromWire(std::string_view wire) { return Name(std::string(wire)); }

  // Length-prefixed labels and the final zero byte, in the case as given.
  const std::string& wire() const { return wire_; }
  std::string text() const;  // with the last dot, escaped
  std::vector<std::string_view> labels() const;
  Name lower() const;
  // label + "." + this; nothing when it gets too long.
  std::optional<Name> child(std::string_view label) const;
  bool isAtOrBelow(const Name& ancestor) const;
  bool operator==(const Name& other) const;

 private:
  explicit Name(std::string wire) : wire_(std::move(wire)) {}

  std::string wire_;
};

constexpr size_t kMaxNameWire = 255;
constexpr size_t kMaxLabel = 63;

constexpr size_t kMaxLabels = 127;

constexpr char lowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// A name in lower case whose labels are found, in memory of its own: what an answer is looked up by.
class LowerName {
 public:
  // Takes an uncompressed name off the front of `wire`. False when there is none.
  bool assign(std::string_view wire);

  size_t size() const { return size_; }  // bytes of the wire form; 0 before assign()
  size_t labelCount() const { return labelCount_; }
  // The labels, first to last.
  std::string_view label(size_t index) const {
    size_t at = labelAt_[index];
    return {wire_.data() + at + 1, static_cast<unsigned char>(wire_[at])};
  }
  // The wire form from label `index` on.
  std::string_view from(size_t index) const {
    size_t at = index < labelCount_ ? labelAt_[index] : size_ - 1;
    return {wire_.data() + at, size_ - at};
  }
  std::string_view wire() const { return {wire_.data(), size_}; }

 private:
  std::array<char, kMaxNameWire> wire_;
  std::array<uint8_t, kMaxLabels> labelAt_;
  size_t labelCount_ = 0;
  size_t size_ = 0;
};

// The name under which an address is looked up: "4.3.2.1.in-addr.arpa." (RFC 1035 section 3.5), nibbles under ip6.arpa.
// (RFC 3596 section 2.5). `address`: 4 or 16 bytes.
Name reverseName(std::string_view address);
// The address that a reverse name stands for, whole addresses only.
std::optional<std::string> addressOfReverse(std::span<const std::string_view> labels);

}  // namespace wherry::dns

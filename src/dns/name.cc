#include "dns/name.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::dns {
namespace {

constexpr int kMaxPointers = 32;
constexpr size_t kFirstName = 12;  // behind a message's header

// One byte of a label's text, escapes undone; nothing for a broken escape.
std::optional<char> nextByte(std::string_view& text) {
  char c = text.front();
  text.remove_prefix(1);
  if (c != '\\') return c;
  if (text.empty()) return std::nullopt;
  if (text.front() < '0' || text.front() > '9') {
    c = text.front();
    text.remove_prefix(1);
    return c;
  }
  auto value = base::parseInt<unsigned>(text.substr(0, 3));
  if (text.size() < 3 || !value || *value > 255) return std::nullopt;
  text.remove_prefix(3);
  return static_cast<char>(*value);
}

void appendEscaped(std::string& out, std::string_view label) {
  for (char c : label) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' || c == '$') {
      out += '\\';
      out += c;
    } else if (byte <= 0x20 || byte >= 0x7f) {
      out += fmt::format("\\{:03}", byte);
    } else {
      out += c;
    }
  }
}

int nibble(std::string_view label) {
  if (label.size() != 1) return -1;
  char c = lowerAscii(label[0]);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

bool LowerName::assign(std::string_view wire) {
  size_ = labelCount_ = 0;
  for (size_t at = 0; at < wire.size();) {
    auto length = static_cast<unsigned char>(wire[at]);
    if (length > kMaxLabel || at + 1 + length > wire.size() || at + 1 + length > kMaxNameWire) return false;
    wire_[at] = wire[at];
    if (length == 0) {
      size_ = at + 1;
      return true;
    }
    if (labelCount_ == kMaxLabels) return false;
    labelAt_[labelCount_++] = static_cast<uint8_t>(at);
    for (size_t i = at + 1; i <= at + length; ++i) wire_[i] = lowerAscii(wire[i]);
    at += 1u + length;
  }
  return false;
}

std::optional<Name> Name::parse(std::string_view text) {
  if (text == ".") return Name();
  std::string wire, label;
  while (!text.empty()) {
    bool dot = text.front() == '.';
    if (dot) {
      text.remove_prefix(1);
    } else {
      auto byte = nextByte(text);
      if (!byte) return std::nullopt;
      label += *byte;
    }
    if (!dot && !text.empty()) continue;
    if (label.empty() || label.size() > kMaxLabel) return std::nullopt;
    wire += static_cast<char>(label.size());
    wire += label;
    label.clear();
  }
  wire += '\0';
  if (wire.size() > kMaxNameWire) return std::nullopt;
  return Name(std::move(wire));
}

Name Name::of(std::string_view text) {
  auto name = parse(text);
  if (!name) throw std::logic_error(fmt::format("not a domain name: {}", text));
  return *name;
}

std::optional<Name> Name::read(std::string_view message, size_t& at) {
  std::string wire;
  size_t from = at;
  for (int pointers = 0;;) {
    if (from >= message.size()) return std::nullopt;
    auto length = static_cast<unsigned char>(message[from]);
    if ((length & 0xc0) == 0xc0) {  // RFC 1035 section 4.1.4
      if (from + 1 >= message.size() || ++pointers > kMaxPointers) return std::nullopt;
      size_t target = (length & 0x3fu) << 8 | static_cast<unsigned char>(message[from + 1]);
      // Only backwards, so it ends; never into the header, which is no name.
      if (target >= from || target < kFirstName) return std::nullopt;
      if (pointers == 1) at = from + 2;
      from = target;
      continue;
    }
    if (length > kMaxLabel || from + 1 + length > message.size()) return std::nullopt;
    wire.append(message, from, 1 + length);
    if (wire.size() > kMaxNameWire) return std::nullopt;
    from += 1 + length;
    if (length != 0) continue;
    if (pointers == 0) at = from;
    return Name(std::move(wire));
  }
}

std::string Name::text() const {
  if (wire_.size() == 1) return ".";
  std::string out;
  for (std::string_view label : labels()) {
    appendEscaped(out, label);
    out += '.';
  }
  return out;
}

std::vector<std::string_view> Name::labels() const {
  std::vector<std::string_view> out;
  for (size_t at = 0; wire_[at] != '\0';) {
    size_t length = static_cast<unsigned char>(wire_[at]);
    out.push_back(std::string_view(wire_).substr(at + 1, length));
    at += 1 + length;
  }
  return out;
}

Name Name::lower() const {
  std::string wire = wire_;
  // Length bytes are at most 63, below 'A': they stay as they are.
  std::transform(wire.begin(), wire.end(), wire.begin(), lowerAscii);
  return Name(std::move(wire));
}

std::optional<Name> Name::child(std::string_view label) const {
  if (label.empty() || label.size() > kMaxLabel || wire_.size() + 1 + label.size() > kMaxNameWire) return std::nullopt;
  std::string wire(1, static_cast<char>(label.size()));
  wire += label;
  wire += wire_;
  return Name(std::move(wire));
}

bool Name::isAtOrBelow(const Name& ancestor) const {
  if (ancestor.wire_.size() > wire_.size()) return false;
  size_t at = 0;
  while (wire_.size() - at > ancestor.wire_.size()) at += 1 + static_cast<unsigned char>(wire_[at]);
  return base::equalsIgnoreCase(std::string_view(wire_).substr(at), ancestor.wire_);
}

bool Name::operator==(const Name& other) const { return base::equalsIgnoreCase(wire_, other.wire_); }

Name reverseName(std::string_view address) {
  std::string text;
  for (size_t i = address.size(); i-- > 0;) {
    auto byte = static_cast<unsigned char>(address[i]);
    text += address.size() == 4 ? fmt::format("{}.", byte) : fmt::format("{:x}.{:x}.", byte & 15, byte >> 4);
  }
  return Name::of(text + (address.size() == 4 ? "in-addr.arpa." : "ip6.arpa."));
}

std::optional<std::string> addressOfReverse(std::span<const std::string_view> labels) {
  std::string address;
  if (labels.size() == 6 && base::equalsIgnoreCase(labels[4], "in-addr") && base::equalsIgnoreCase(labels[5], "arpa")) {
    for (size_t i = 4; i-- > 0;) {
      auto byte = base::parseInt<uint8_t>(labels[i]);
      if (!byte || (labels[i].size() > 1 && labels[i][0] == '0')) return std::nullopt;
      address += static_cast<char>(*byte);
    }
    return address;
  }
  if (labels.size() == 34 && base::equalsIgnoreCase(labels[32], "ip6") && base::equalsIgnoreCase(labels[33], "arpa")) {
    for (size_t i = 32; i > 0; i -= 2) {
      int high = nibble(labels[i - 1]), low = nibble(labels[i - 2]);
      if (high < 0 || low < 0) return std::nullopt;
      address += static_cast<char>(high << 4 | low);
    }
    return address;
  }
  return std::nullopt;
}

}  // namespace wherry::dns

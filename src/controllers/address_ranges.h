// Ranges of IP addresses, IPv4 and IPv6. Values; pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wherry::controllers {

class AddressRanges {
 public:
  AddressRanges() = default;
  // "192.0.2.10-192.0.2.20, 198.51.100.0/28, 2001:db8::1": each address of a prefix belongs to it, its first and last
  // ones too. Throws std::invalid_argument with a sentence when something in it is none of these.
  static AddressRanges parse(std::string_view text);

  bool empty() const { return ranges_.empty(); }
  // The first and the last address of each, as text.
  std::vector<std::pair<std::string, std::string>> ends() const;
  bool contains(std::string_view address) const;
  // The first address of this length (4 or 16 bytes) that is not in `taken`, as text; nothing when there is none.
  std::optional<std::string> firstFree(size_t length, const std::set<std::string>& taken) const;

 private:
  struct Range {  // inclusive, in network order
    std::string first, last;
  };
  static Range parseRange(std::string_view text);
  std::vector<Range> ranges_;
};

}  // namespace wherry::controllers

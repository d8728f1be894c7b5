// Sets of addresses as prefixes of both families. Immutable values; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wherry::clusterdns {

class Prefixes {
 public:
  Prefixes() = default;
  // "10.244.0.0/16", "2001:db8::/32", "192.0.2.1". Throws std::invalid_argument with a sentence for anything else.
  static Prefixes parse(const std::vector<std::string>& texts);

  bool empty() const { return prefixes_.empty(); }
  // `address`: 4 or 16 bytes in network order.
  bool contains(std::string_view address) const;

 private:
  struct Prefix {
    std::string address;  // 4 or 16 bytes
    unsigned length = 0;  // bits
  };
  std::vector<Prefix> prefixes_;
};

}  // namespace wherry::clusterdns

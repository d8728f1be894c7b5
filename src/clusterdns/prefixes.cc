#include "clusterdns/prefixes.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::clusterdns {
namespace {

bool sameBits(std::string_view a, std::string_view b, unsigned bits) {
  size_t bytes = bits / 8;
  if (a.substr(0, bytes) != b.substr(0, bytes)) return false;
  unsigned rest = bits % 8;
  return rest == 0 || ((a[bytes] ^ b[bytes]) & 0xff) >> (8 - rest) == 0;
}

}  // namespace

Prefixes Prefixes::parse(const std::vector<std::string>& texts) {
  Prefixes out;
  for (const std::string& text : texts) {
    auto parts = base::splitOnce(text, '/');
    auto address = base::parseIp(parts ? parts->first : std::string_view(text));
    auto most = static_cast<unsigned>(address ? address->size() * 8 : 0);
    auto length = parts ? base::parseInt<unsigned>(parts->second) : most;
    if (!address || !length || *length > most) {
      throw std::invalid_argument(fmt::format("{}: neither an address nor a prefix such as 192.0.2.0/24", text));
    }
    out.prefixes_.push_back({*address, *length});
  }
  return out;
}

bool Prefixes::contains(std::string_view address) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const Prefix& prefix) {
    return prefix.address.size() == address.size() && sameBits(prefix.address, address, prefix.length);
  });
}

}  // namespace wherry::clusterdns

#include "policy/port_set.h"

#include <algorithm>

namespace wherry::policy {
namespace {

constexpr PortRange kEverything{0, UINT8_MAX, 0, UINT16_MAX};

}  // namespace

PortSet PortSet::everything() {
  PortSet set;
  set.ranges_ = {kEverything};
  return set;
}

void PortSet::add(uint8_t protocol, uint16_t first, uint16_t last) {
  if (ranges_.contains(kEverything)) return;
  PortRange joined{protocol, protocol, first, last};
  auto meets = [&](const PortRange& other) {
    return other.firstProtocol == protocol && other.first <= joined.last + 1 && joined.first <= other.last + 1;
  };
  for (auto at = ranges_.begin(); at != ranges_.end();) {
    if (!meets(*at)) {
      ++at;
      continue;
    }
    joined.first = std::min(joined.first, at->first);
    joined.last = std::max(joined.last, at->last);
    at = ranges_.erase(at);
  }
  ranges_.insert(joined);
}

void PortSet::add(const PortSet& other) {
  names_.insert(other.names_.begin(), other.names_.end());
  if (other.ranges_.contains(kEverything)) ranges_ = {kEverything};
  for (const PortRange& range : other.ranges_) {
    if (range != kEverything) add(range.firstProtocol, range.first, range.last);
  }
}

PortSet PortSet::resolved(const NamedPorts& of) const {
  PortSet set;
  set.ranges_ = ranges_;
  for (const PortName& name : names_) {
    auto found = of.find(name);
    if (found == of.end()) continue;
    for (uint16_t port : found->second) set.add(name.protocol, port, port);
  }
  return set;
}

}  // namespace wherry::policy

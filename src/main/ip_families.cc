#include "main/ip_families.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::main {
namespace {

using base::IpFamily;
using base::IpPrefix;

constexpr uint8_t kNodeBits4 = 24;
constexpr uint8_t kNodeBits6 = 64;
constexpr uint64_t kDnsAddress = 10;

IpPrefix nodeRange(const IpPrefix& range, int maxPods) {
  uint8_t length = range.family() == IpFamily::kIPv4 ? kNodeBits4 : kNodeBits6;
  while (range.family() == IpFamily::kIPv4 && (1 << (32 - length)) - 2 < maxPods) --length;
  return {range.address(), std::max(range.length(), length)};
}

}  // namespace

std::vector<IpPrefix> requireRanges(const char* flag, const std::string& list) {
  std::vector<IpPrefix> ranges;
  for (std::string_view text : base::split(list, ',')) {
    auto range = IpPrefix::parse(text);
    if (!range) throw std::runtime_error(fmt::format("{} {}: not a range such as 10.96.0.0/12", flag, list));
    ranges.push_back(*range);
  }
  if (ranges.size() > 2 || (ranges.size() == 2 && ranges[0].family() == ranges[1].family())) {
    throw std::runtime_error(fmt::format("{} {}: one range, or one of IPv4 and one of IPv6", flag, list));
  }
  return ranges;
}

std::optional<IpPrefix> findRange(const std::string& list, IpFamily family) {
  for (std::string_view text : base::split(list, ',')) {
    auto range = IpPrefix::parse(text);
    if (range && range->family() == family) return range;
  }
  return std::nullopt;
}

std::vector<IpFamily> familiesOf(const std::string& ranges) {
  std::vector<IpFamily> families;
  for (const IpPrefix& range : requireRanges("", ranges)) families.push_back(range.family());
  return families;
}

std::string nodeRanges(const std::string& clusterCidrs, int maxPods) {
  std::vector<std::string> texts;
  for (const IpPrefix& range : requireRanges("--cluster-cidr", clusterCidrs)) {
    texts.push_back(nodeRange(range, maxPods).text());
  }
  return base::join(texts, ",");
}

std::string defaultClusterDns(const std::string& serviceCidrs) {
  return requireRanges("--service-cidr", serviceCidrs).front().address().plus(kDnsAddress).text();
}

std::string hostAndPort(const std::string& ip, uint16_t port) {
  return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, port) : fmt::format("[{}]:{}", ip, port);
}

}  // namespace wherry::main

#include "apiserver/allocations.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/random.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

using base::IpAddress;
using base::IpFamily;
using base::IpPrefix;

struct Lengths {
  uint8_t shortest;
  uint8_t longest;
};
constexpr Lengths lengthsOf(IpFamily family) { return family == IpFamily::kIPv4 ? Lengths{12, 30} : Lengths{64, 126}; }

IpPrefix parseRange(std::string_view text) {
  auto range = IpPrefix::parse(text);
  auto lengths = range ? lengthsOf(range->family()) : Lengths{};
  if (!range || range->length() < lengths.shortest || range->length() > lengths.longest) {
    throw std::invalid_argument(
        fmt::format("service range \"{}\" is neither an IPv4 CIDR between /12 and /30 nor an IPv6 CIDR between /64 and "
                    "/126",
                    text));
  }
  return *range;
}

// Without the network's own address; IPv4 has a broadcast address besides.
uint64_t hostCount(const IpPrefix& range) {
  uint64_t all = range.hostBits() >= 64 ? ~uint64_t{0} : (uint64_t{1} << range.hostBits()) - 1;
  return range.family() == IpFamily::kIPv4 ? all - 1 : all;
}

// KEP-3070: min(max(16, size / 16), 256)
uint64_t reservedAddresses(uint64_t size) {
  return size < 16 ? 0 : std::min(std::max(uint64_t{16}, size / 16), uint64_t{256});
}
// KEP-3668: min(max(16, size / 32), 128)
uint64_t reservedPorts(uint64_t size) {
  return size < 16 ? 0 : std::min(std::max(uint64_t{16}, size / 32), uint64_t{128});
}

NumberPool poolOf(PortRange ports) {
  auto size = static_cast<uint64_t>(ports.last - ports.first + 1);
  return {size, reservedPorts(size)};
}

}  // namespace

std::optional<uint64_t> NumberPool::chooseBetween(uint64_t from, uint64_t to) {
  if (from >= to) return std::nullopt;
  // So many are never taken that a random one of the first 2^32 is far from being used up.
  uint64_t span = std::min(to - from, uint64_t{UINT32_MAX});
  uint64_t start = base::randomBelow(static_cast<uint32_t>(span));
  for (uint64_t i = 0; i < span; ++i) {
    uint64_t number = from + (start + i) % span;
    if (taken_.insert(number).second) return number;
  }
  return std::nullopt;
}

std::optional<uint64_t> NumberPool::choose() {
  if (taken_.size() >= size_) return std::nullopt;
  auto upper = chooseBetween(reserved_, size_);
  return upper ? upper : chooseBetween(0, reserved_);
}

AddressRange::AddressRange(const IpPrefix& cidr)
    : first_(cidr.address().plus(1)), size_(hostCount(cidr)), pool_(NumberPool(size_, reservedAddresses(size_))) {}

std::optional<uint64_t> AddressRange::offsetOf(const IpAddress& ip) const {
  auto offset = ip.minus(first_);
  return offset && *offset < size_ ? offset : std::nullopt;
}

std::optional<IpAddress> AddressRange::choose() {
  auto offset = pool_.with([](NumberPool& pool) { return pool.choose(); });
  return offset ? std::optional(first_.plus(*offset)) : std::nullopt;
}

ServiceAllocations::Take AddressRange::take(const IpAddress& ip) {
  auto offset = offsetOf(ip);
  if (!offset) return ServiceAllocations::Take::kOutOfRange;
  bool taken = pool_.with([&](NumberPool& pool) { return pool.take(*offset); });
  return taken ? ServiceAllocations::Take::kTaken : ServiceAllocations::Take::kInUse;
}

void AddressRange::release(const IpAddress& ip) {
  if (auto offset = offsetOf(ip)) pool_.with([&](NumberPool& pool) { pool.release(*offset); });
}

Allocations::Allocations(std::string_view serviceCidrs, PortRange nodePorts)
    : ports_(nodePorts), portPool_(poolOf(nodePorts)) {
  for (std::string_view text : base::split(serviceCidrs, ',')) {
    ranges_.push_back(std::make_unique<AddressRange>(parseRange(text)));
    families_.push_back(ranges_.back()->family());
  }
  if (ranges_.size() > 2 || (ranges_.size() == 2 && families_[0] == families_[1])) {
    throw std::invalid_argument(
        fmt::format("service ranges \"{}\" are not one range, or two of different families", serviceCidrs));
  }
}

AddressRange* Allocations::find(IpFamily family) const {
  for (const auto& range : ranges_) {
    if (range->family() == family) return range.get();
  }
  return nullptr;
}

void Allocations::learn(const ObjectReader& objects) {
  for (const auto& service : objects.list({"", "services"}, "")) {
    takeIp(json::getString(service->tree(), "spec.clusterIP"));
    const auto* ips = json::find(service->tree(), "spec.clusterIPs");
    if (ips && ips->is_array()) {
      for (const auto& ip : ips->get_array()) takeIp(ip.is_string() ? std::string_view(ip.get_string()) : "");
    }
    takePort(static_cast<int>(json::getInt(service->tree(), "spec.healthCheckNodePort")));
    const auto* ports = json::find(service->tree(), "spec.ports");
    if (!ports || !ports->is_array()) continue;
    for (const auto& port : ports->get_array()) takePort(static_cast<int>(json::getInt(port, "nodePort")));
  }
}

std::string Allocations::allocateIp(IpFamily family) {
  AddressRange* range = find(family);
  auto ip = range ? range->choose() : std::nullopt;
  if (!ip) throw meta::internalError("failed to allocate a serviceIP: range is full");
  return ip->text();
}

ServiceAllocations::Take Allocations::takeIp(std::string_view text) {
  auto ip = IpAddress::parse(text);
  AddressRange* range = ip ? find(ip->family()) : nullptr;
  return range ? range->take(*ip) : Take::kOutOfRange;
}

void Allocations::releaseIp(std::string_view text) {
  auto ip = IpAddress::parse(text);
  AddressRange* range = ip ? find(ip->family()) : nullptr;
  if (range) range->release(*ip);
}

int Allocations::allocatePort() {
  auto offset = portPool_.with([](NumberPool& pool) { return pool.choose(); });
  if (!offset) throw meta::internalError("failed to allocate a nodePort: range is full");
  return ports_.first + static_cast<int>(*offset);
}

ServiceAllocations::Take Allocations::takePort(int port) {
  if (port < ports_.first || port > ports_.last) return Take::kOutOfRange;
  auto offset = static_cast<uint64_t>(port - ports_.first);
  bool taken = portPool_.with([&](NumberPool& pool) { return pool.take(offset); });
  return taken ? Take::kTaken : Take::kInUse;
}

void Allocations::releasePort(int port) {
  if (port < ports_.first || port > ports_.last) return;
  portPool_.with([&](NumberPool& pool) { pool.release(static_cast<uint64_t>(port - ports_.first)); });
}

}  // namespace wherry::apiserver

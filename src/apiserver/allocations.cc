#include "apiserver/allocations.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/random.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

std::optional<uint32_t> parseIp(std::string_view text) {
  auto bytes = base::parseIp(text);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  uint32_t address = 0;
  for (char byte : *bytes) address = address << 8 | static_cast<unsigned char>(byte);
  return address;
}

std::string ipText(uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255, address & 255);
}

struct Cidr {
  uint32_t network;
  uint32_t prefix;
};

Cidr parseCidr(std::string_view text) {
  auto pair = base::splitOnce(text, '/');
  auto network = pair ? parseIp(pair->first) : std::nullopt;
  auto prefix = pair ? base::parseInt<uint32_t>(pair->second) : std::nullopt;
  if (!network || !prefix || *prefix < 12 || *prefix > 30) {
    throw std::invalid_argument(fmt::format("service range \"{}\" is not an IPv4 CIDR between /12 and /30", text));
  }
  return {*network & ~((1U << (32 - *prefix)) - 1), *prefix};
}

uint32_t hostCount(const Cidr& cidr) { return (1U << (32 - cidr.prefix)) - 2; }

// KEP-3070: min(max(16, size / 16), 256)
uint32_t reservedAddresses(uint32_t size) { return size < 16 ? 0 : std::min(std::max(16U, size / 16), 256U); }
// KEP-3668: min(max(16, size / 32), 128)
uint32_t reservedPorts(uint32_t size) { return size < 16 ? 0 : std::min(std::max(16U, size / 32), 128U); }

}  // namespace

std::optional<uint32_t> NumberPool::chooseBetween(uint32_t from, uint32_t to) {
  if (from >= to) return std::nullopt;
  uint32_t start = from + base::randomBelow(to - from);
  for (uint32_t i = 0; i < to - from; ++i) {
    uint32_t number = from + (start - from + i) % (to - from);
    if (taken_.insert(number).second) return number;
  }
  return std::nullopt;
}

std::optional<uint32_t> NumberPool::choose() {
  if (taken_.size() >= size_) return std::nullopt;
  auto upper = chooseBetween(reserved_, size_);
  return upper ? upper : chooseBetween(0, reserved_);
}

Allocations::Allocations(std::string_view serviceCidr, PortRange nodePorts)
    : base_(parseCidr(serviceCidr).network),
      size_(hostCount(parseCidr(serviceCidr))),
      ports_(nodePorts),
      addresses_(NumberPool(size_, reservedAddresses(size_))),
      portPool_(NumberPool(static_cast<uint32_t>(nodePorts.last - nodePorts.first + 1),
                           reservedPorts(static_cast<uint32_t>(nodePorts.last - nodePorts.first + 1)))) {}

std::optional<uint32_t> Allocations::offsetOf(std::string_view ip) const {
  auto address = parseIp(ip);
  if (!address || *address <= base_ || *address - base_ > size_) return std::nullopt;
  return *address - base_ - 1;
}

void Allocations::learn(const ObjectReader& objects) {
  for (const auto& service : objects.list({"", "services"}, "")) {
    takeIp(json::getString(service->tree(), "spec.clusterIP"));
    takePort(static_cast<int>(json::getInt(service->tree(), "spec.healthCheckNodePort")));
    const auto* ports = json::find(service->tree(), "spec.ports");
    if (!ports || !ports->is_array()) continue;
    for (const auto& port : ports->get_array()) takePort(static_cast<int>(json::getInt(port, "nodePort")));
  }
}

std::string Allocations::firstIp() const { return ipText(base_ + 1); }

std::string Allocations::allocateIp() {
  auto offset = addresses_.with([](NumberPool& pool) { return pool.choose(); });
  if (!offset) throw meta::internalError("failed to allocate a serviceIP: range is full");
  return ipText(base_ + 1 + *offset);
}

ServiceAllocations::Take Allocations::takeIp(std::string_view ip) {
  auto offset = offsetOf(ip);
  if (!offset) return Take::kOutOfRange;
  bool taken = addresses_.with([&](NumberPool& pool) { return pool.take(*offset); });
  return taken ? Take::kTaken : Take::kInUse;
}

void Allocations::releaseIp(std::string_view ip) {
  if (auto offset = offsetOf(ip)) addresses_.with([&](NumberPool& pool) { pool.release(*offset); });
}

int Allocations::allocatePort() {
  auto offset = portPool_.with([](NumberPool& pool) { return pool.choose(); });
  if (!offset) throw meta::internalError("failed to allocate a nodePort: range is full");
  return ports_.first + static_cast<int>(*offset);
}

ServiceAllocations::Take Allocations::takePort(int port) {
  if (port < ports_.first || port > ports_.last) return Take::kOutOfRange;
  auto offset = static_cast<uint32_t>(port - ports_.first);
  bool taken = portPool_.with([&](NumberPool& pool) { return pool.take(offset); });
  return taken ? Take::kTaken : Take::kInUse;
}

void Allocations::releasePort(int port) {
  if (port < ports_.first || port > ports_.last) return;
  portPool_.with([&](NumberPool& pool) { pool.release(static_cast<uint32_t>(port - ports_.first)); });
}

}  // namespace wherry::apiserver

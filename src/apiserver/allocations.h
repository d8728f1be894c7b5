// Cluster IPs and node ports: which are taken is known in memory, learnt from the stored Services at start.
//
// As upstream, a chosen address or port comes at random from the upper part of its range, and from the lower part (kept
// for those that people write down) only when the upper one is full (KEP-3070, KEP-3668). Safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "base/guarded.h"

namespace wherry::apiserver {

// A set of numbers 0..size-1 of which some are taken. Not thread-safe.
class NumberPool {
 public:
  // The first `reserved` numbers are chosen last.
  NumberPool(uint32_t size, uint32_t reserved) : size_(size), reserved_(reserved) {}
  std::optional<uint32_t> choose();
  bool take(uint32_t number) { return taken_.insert(number).second; }
  void release(uint32_t number) { taken_.erase(number); }

 private:
  std::optional<uint32_t> chooseBetween(uint32_t from, uint32_t to);

  uint32_t size_;
  uint32_t reserved_;
  std::set<uint32_t> taken_;
};

struct PortRange {
  int first = 30000;
  int last = 32767;
};

class Allocations : public ServiceAllocations {
 public:
  // Throws std::invalid_argument for a CIDR that is none: IPv4, /12 to /30.
  Allocations(std::string_view serviceCidr, PortRange nodePorts);

  // Takes what these stored Services have.
  void learn(const ObjectReader& objects);
  // The range's first address, that of the Service `kubernetes`.
  std::string firstIp() const;

  std::string allocateIp() override;
  Take takeIp(std::string_view ip) override;
  void releaseIp(std::string_view ip) override;
  int allocatePort() override;
  Take takePort(int port) override;
  void releasePort(int port) override;

 private:
  std::optional<uint32_t> offsetOf(std::string_view ip) const;

  uint32_t base_ = 0;  // the network's address
  uint32_t size_ = 0;  // addresses between the network's and the broadcast's
  PortRange ports_;
  base::Guarded<NumberPool> addresses_;
  base::Guarded<NumberPool> portPool_;
};

}  // namespace wherry::apiserver

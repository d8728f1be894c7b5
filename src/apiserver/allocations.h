// Cluster IPs and node ports: which are taken is known in memory, learnt from the stored Services at start.
//
// As upstream, a chosen address or port comes at random from the upper part of its range, and from the lower part (kept
// for those that people write down) only when the upper one is full (KEP-3070, KEP-3668). Safe from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "apiserver/admission/admission.h"
#include "base/guarded.h"

namespace wherry::apiserver {

// A set of numbers 0..size-1 of which some are taken. Not thread-safe.
class NumberPool {
 public:
  // The first `reserved` numbers are chosen last.
  NumberPool(uint64_t size, uint64_t reserved) : size_(size), reserved_(reserved) {}
  std::optional<uint64_t> choose();
  bool take(uint64_t number) { return taken_.insert(number).second; }
  void release(uint64_t number) { taken_.erase(number); }

 private:
  std::optional<uint64_t> chooseBetween(uint64_t from, uint64_t to);

  uint64_t size_;
  uint64_t reserved_;
  std::unordered_set<uint64_t> taken_;
};

// One range of cluster IPs.
class AddressRange {
 public:
  explicit AddressRange(const base::IpPrefix& cidr);

  base::IpFamily family() const { return first_.family(); }
  const base::IpAddress& first() const { return first_; }
  std::optional<base::IpAddress> choose();  // nothing when it is full
  ServiceAllocations::Take take(const base::IpAddress& ip);
  void release(const base::IpAddress& ip);

 private:
  std::optional<uint64_t> offsetOf(const base::IpAddress& ip) const;

  base::IpAddress first_;  // behind the network's own
  uint64_t size_;          // without the network's address, and of IPv4 without the broadcast address
  base::Guarded<NumberPool> pool_;
};

struct PortRange {
  int first = 30000;
  int last = 32767;
};

class Allocations : public ServiceAllocations {
 public:
  // `serviceCidrs`: a range or two of different families, separated by a comma. Throws std::invalid_argument for what
  // is none: IPv4 from /12 to /30, IPv6 from /64 to /126.
  Allocations(std::string_view serviceCidrs, PortRange nodePorts);

  // Takes what these stored Services have.
  void learn(const ObjectReader& objects);
  // The first range's first address, that of the Service `kubernetes`.
  std::string firstIp() const { return ranges_.front()->first().text(); }

  const std::vector<base::IpFamily>& families() const override { return families_; }
  std::string allocateIp(base::IpFamily family) override;
  Take takeIp(std::string_view ip) override;
  void releaseIp(std::string_view ip) override;
  int allocatePort() override;
  Take takePort(int port) override;
  void releasePort(int port) override;

 private:
  AddressRange* find(base::IpFamily family) const;

  std::vector<std::unique_ptr<AddressRange>> ranges_;
  std::vector<base::IpFamily> families_;
  PortRange ports_;
  base::Guarded<NumberPool> portPool_;
};

}  // namespace wherry::apiserver

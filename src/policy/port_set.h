// PortSet: the protocols and ports that a rule of a NetworkPolicy allows. A value; pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace wherry::policy {

// A port of a pod by the name that its containers give it.
struct PortName {
  uint8_t protocol = 0;  // IPPROTO_...
  std::string name;
  auto operator<=>(const PortName&) const = default;
};
// Of one pod; containers may use a name twice.
using NamedPorts = std::map<PortName, std::set<uint16_t>>;

// Every protocol between these, and of each every port.
struct PortRange {
  uint8_t firstProtocol = 0, lastProtocol = 0;
  uint16_t first = 0, last = 0;
  auto operator<=>(const PortRange&) const = default;
};

class PortSet {
 public:
  // What has no ports is there too: ICMP.
  static PortSet everything();
  void add(uint8_t protocol, uint16_t first, uint16_t last);
  void add(PortName name) { names_.insert(std::move(name)); }
  void add(const PortSet& other);

  bool empty() const { return ranges_.empty() && names_.empty(); }
  const std::set<PortName>& names() const { return names_; }
  // With the names as what they mean to this pod.
  PortSet resolved(const NamedPorts& of) const;
  // None overlap or touch, names left out.
  std::vector<PortRange> ranges() const { return {ranges_.begin(), ranges_.end()}; }
  auto operator<=>(const PortSet&) const = default;

 private:
  std::set<PortRange> ranges_;
  std::set<PortName> names_;
};

}  // namespace wherry::policy

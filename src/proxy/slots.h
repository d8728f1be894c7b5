// Slots: the endpoints of each Service port by slot number, as they are in the kernel's maps, and what must change
// there when endpoints do. Pure; not thread-safe.
//
// The endpoints of a port occupy the slots 0..n-1, so that a random number below n finds one. A new endpoint takes the
// slot of one that goes, or comes last; where none takes it, the last slot moves into the hole. So each change touches
// a handful of elements at any size.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "linux/nft/element_changes.h"
#include "proxy/service_port.h"

namespace wherry::proxy {

// No port has more slots: traffic spread over a thousand endpoints is spread enough. Those beyond get none from this
// node.
inline constexpr size_t kMaxSlots = 1000;

// Ports whose keys are alike share sets, a map and a chain of the table.
struct Front {
  const char* chain;  // which sends members of the sets "<sizes>1", "<sizes>2", ... to the chains of those names
  const char* sizes;
  const char* slots;    // the map from port and slot to endpoint
  const char* refused;  // the set of those without endpoints; null: there are none
  const char* dropped;
  Clients clients;
  bool nodePorts;  // the key has no address
};
inline constexpr std::array<Front, 4> kFronts = {{
    {"services", "n", "slots", "noendpoints", "dropped", Clients::kAll, false},
    {"nodeports", "nodeport", "nodeslots", "noendpointnodeports", nullptr, Clients::kAll, true},
    {"outside", "outside", "outsideslots", nullptr, "outsidedropped", Clients::kOutside, false},
    {"outsidenodeports", "outsidenodeport", "outsidenodeslots", nullptr, "outsidedroppednodeports", Clients::kOutside,
     true},
}};
const Front& frontOf(const ServicePort& port);

// A port with n endpoints is in the set "<sizes><n>", one without any in "refused" or "dropped", and n times, with the
// slot, in "slots". Endpoint addresses are in "hairpin", twice in one element, and those elsewhere in "elsewhere".
using linux::nft::Element;

// What one transaction has to change.
class Changes : public linux::nft::ElementChanges {
 public:
  using ElementChanges::ElementChanges;

  void notePort(const ServicePort& port) {
    if (record() == Record::kEverything) ports_.push_back(port);
  }
  // Service ports whose endpoints are not what they were: their connections may lead to one that is gone.
  const std::vector<ServicePort>& ports() const { return ports_; }

 private:
  std::vector<ServicePort> ports_;
};

class Slots {
 public:
  // Gives a Service port these backends in place of those it has.
  void set(const ServicePort& port, Backends backends, Changes& changes);
  // Forgets the port.
  void remove(const ServicePort& port, Changes& changes);

  // With the endpoints by slot; null when the port isn't known.
  const Backends* find(const ServicePort& port) const;

  template <typename F>
  void forEachPort(F&& f) const {
    for (const auto& [port, backends] : ports_) f(port, backends);
  }
  // Calls f(element, data) for all that the kernel shall have.
  template <typename F>
  void forEachElement(F&& f) const;

 private:
  void place(const ServicePort& port, std::vector<Endpoint>& slots, std::vector<Endpoint> placed, Changes& changes);
  void countUser(const Endpoint& endpoint, int by, Changes& changes);

  std::unordered_map<ServicePort, Backends, ServicePortHash> ports_;
  struct AddressHash {
    size_t operator()(const base::IpAddress& ip) const { return ip.hash(); }
  };
  using Counts = std::unordered_map<base::IpAddress, int, AddressHash>;
  Counts users_;      // how many slots an endpoint address has
  Counts elsewhere_;  // and as one that is elsewhere
};

// `before` with the endpoints `wanted` (sorted), and only them, moving as few as can be.
std::vector<Endpoint> placeEndpoints(std::vector<Endpoint> before, const std::vector<Endpoint>& wanted);

// The elements, and what they hold.
Element slotElement(const ServicePort& port, size_t slot);
Element hairpinElement(const base::IpAddress& ip);
Element elsewhereElement(const base::IpAddress& ip);
linux::nft::Data endpointData(const Endpoint& endpoint);
// Those of the port itself: its size, its affinity, who may come.
std::vector<std::pair<Element, linux::nft::Data>> portElements(const ServicePort& port, const Backends& backends);
// The set of ports with this affinity.
std::string affinitySet(const Front& front, const Backends& backends);

template <typename F>
void Slots::forEachElement(F&& f) const {
  for (const auto& [port, backends] : ports_) {
    const auto& slots = backends.endpoints;
    for (size_t slot = 0; slot < slots.size(); ++slot) f(slotElement(port, slot), endpointData(slots[slot]));
  }
  for (const auto& [port, backends] : ports_) {
    for (const auto& [element, data] : portElements(port, backends)) f(element, data);
  }
  for (const auto& [ip, users] : users_) f(hairpinElement(ip), linux::nft::Data());
  for (const auto& [ip, users] : elsewhere_) f(elsewhereElement(ip), linux::nft::Data());
}

}  // namespace wherry::proxy

// Slots: the endpoints of each Service port by slot number, as they are in the kernel's maps, and what must change
// there when endpoints do. Pure; not thread-safe.
//
// The endpoints of a port occupy the slots 0..n-1, so that a random number below n finds one. A new endpoint takes the
// slot of one that goes, or comes last; where none takes it, the last slot moves into the hole. So each change touches
// a handful of elements at any size.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "linux/nft/ruleset.h"
#include "proxy/service_port.h"

namespace wherry::proxy {

// No port has more slots: traffic spread over a thousand endpoints is spread enough. Those beyond get none from this
// node.
inline constexpr size_t kMaxSlots = 1000;

// Of one of the table's sets, or of its map "slots". A Service port with n endpoints is in the set "n<n>", one without
// any in "noendpoints", and n times, with the slot, in "slots". Endpoint addresses are in "hairpin", twice in one
// element.
struct Element {
  std::string set;
  linux::nft::Data key;
  auto operator<=>(const Element&) const = default;
};

// What one transaction has to change. Changes of the same element are joined, and may cancel out.
class Changes {
 public:
  // kNothing: the whole table is going to be written, whatever changed.
  enum class Record { kEverything, kNothing };
  explicit Changes(Record record = Record::kEverything) : record_(record) {}

  using Value = std::optional<linux::nft::Data>;  // nothing: the element isn't there; a set's element holds empty Data
  struct Change {
    Value before;
    Value after;
  };

  void note(Element element, Value before, Value after);
  void notePort(const ServicePort& port);

  // Elements that aren't the same before and after.
  std::vector<std::pair<Element, Change>> elements() const;
  // Service ports whose endpoints are not what they were: their connections may lead to one that is gone.
  const std::vector<ServicePort>& ports() const { return ports_; }

 private:
  Record record_;
  std::map<Element, Change> elements_;
  std::vector<ServicePort> ports_;
};

class Slots {
 public:
  // Gives a Service port these endpoints (sorted, no duplicates) in place of those it has.
  void set(const ServicePort& port, const std::vector<Endpoint>& endpoints, Changes& changes);
  // Forgets the port.
  void remove(const ServicePort& port, Changes& changes);

  // The endpoints by slot; null when the port isn't known.
  const std::vector<Endpoint>* find(const ServicePort& port) const;

  template <typename F>
  void forEachPort(F&& f) const {
    for (const auto& [port, endpoints] : ports_) f(port, endpoints);
  }
  // Calls f(element, data) for all that the kernel shall have.
  template <typename F>
  void forEachElement(F&& f) const;

 private:
  void place(const ServicePort& port, std::vector<Endpoint>& slots, std::vector<Endpoint> placed, Changes& changes);

  void countUser(linux::Ipv4Address ip, int by, Changes& changes);

  std::unordered_map<ServicePort, std::vector<Endpoint>, ServicePortHash> ports_;
  std::unordered_map<uint32_t, int> users_;  // how many slots an endpoint address has
};

// `before` with the endpoints `wanted` (sorted), and only them, moving as few as can be.
std::vector<Endpoint> placeEndpoints(std::vector<Endpoint> before, const std::vector<Endpoint>& wanted);

// The elements, and what they hold.
Element slotElement(const ServicePort& port, size_t slot);
Element sizeElement(const ServicePort& port, size_t size);
Element hairpinElement(linux::Ipv4Address ip);
linux::nft::Data endpointData(const Endpoint& endpoint);

template <typename F>
void Slots::forEachElement(F&& f) const {
  for (const auto& [port, endpoints] : ports_) {
    for (size_t slot = 0; slot < endpoints.size(); ++slot) f(slotElement(port, slot), endpointData(endpoints[slot]));
  }
  for (const auto& [port, endpoints] : ports_) f(sizeElement(port, endpoints.size()), linux::nft::Data());
  for (const auto& [ip, users] : users_) f(hairpinElement({ip}), linux::nft::Data());
}

}  // namespace wherry::proxy

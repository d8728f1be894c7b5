#include "proxy/slots.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::proxy {
namespace {

using linux::nft::Data;

const Changes::Value kAbsent;
const Changes::Value kPresent{Data()};

Data portData(const ServicePort& port) {
  Data data;
  if (!port.isNodePort()) data.address(port.ip);
  return data.protocol(port.protocol).port(port.port);
}

std::string sizeSet(const ServicePort& port, const Backends& backends) {
  const Front& front = frontOf(port);
  size_t size = backends.endpoints.size();
  if (size > 0) return fmt::format("{}{}", front.sizes, size);
  bool drops = front.dropped && (!front.refused || backends.nobody == Backends::Nobody::kAnswers);
  return drops ? front.dropped : front.refused;
}

}  // namespace

const Front& frontOf(const ServicePort& port) {
  return *std::find_if(kFronts.begin(), kFronts.end(), [&](const Front& front) {
    return front.clients == port.clients && front.nodePorts == port.isNodePort();
  });
}

std::string affinitySet(const Front& front, const Backends& backends) {
  return fmt::format("{}{}", front.nodePorts ? "affinenodeports" : "affine", backends.affinity.count());
}

std::vector<std::pair<Element, Data>> portElements(const ServicePort& port, const Backends& backends) {
  Data key = portData(port);
  std::vector<std::pair<Element, Data>> elements = {{{sizeSet(port, backends), key}, Data()}};
  if (port.clients == Clients::kAll && backends.affinity.count() > 0) {
    elements.push_back({{affinitySet(frontOf(port), backends), key}, Data()});
  }
  if (!backends.sources.empty()) elements.push_back({{"restricted", key}, Data()});
  for (const base::IpPrefix& source : backends.sources) {
    Data first = key, last = key;
    first.address(source.address());
    last.address(source.last());
    elements.push_back({{"allowed", first, last}, Data()});
  }
  return elements;
}

Element slotElement(const ServicePort& port, size_t slot) {
  return {frontOf(port).slots, portData(port).number(static_cast<uint32_t>(slot))};
}
Element hairpinElement(const base::IpAddress& ip) { return {"hairpin", Data().address(ip).address(ip)}; }
Element elsewhereElement(const base::IpAddress& ip) { return {"elsewhere", Data().address(ip)}; }
Data endpointData(const Endpoint& endpoint) { return Data().address(endpoint.ip).port(endpoint.port); }

std::vector<Endpoint> placeEndpoints(std::vector<Endpoint> slots, const std::vector<Endpoint>& wanted) {
  std::vector<Endpoint> had = slots;
  std::sort(had.begin(), had.end());
  std::vector<Endpoint> added;
  std::set_difference(wanted.begin(), wanted.end(), had.begin(), had.end(), std::back_inserter(added));
  auto next = added.begin();
  for (size_t slot = 0; slot < slots.size();) {
    if (std::binary_search(wanted.begin(), wanted.end(), slots[slot])) {
      ++slot;
    } else if (next != added.end()) {
      slots[slot++] = *next++;
    } else {
      slots[slot] = slots.back();
      slots.pop_back();
    }
  }
  slots.insert(slots.end(), next, added.end());
  return slots;
}

void Slots::countUser(const Endpoint& endpoint, int by, Changes& changes) {
  auto count = [&](Counts& counts, Element element) {
    int& users = counts[endpoint.ip];
    auto value = [](int number) { return number > 0 ? kPresent : kAbsent; };
    changes.note(std::move(element), value(users), value(users + by));
    users += by;
    if (users == 0) counts.erase(endpoint.ip);
  };
  count(users_, hairpinElement(endpoint.ip));
  if (endpoint.place == Place::kElsewhere) count(elsewhere_, elsewhereElement(endpoint.ip));
}

void Slots::place(const ServicePort& port, std::vector<Endpoint>& slots, std::vector<Endpoint> placed,
                  Changes& changes) {
  auto at = [](const std::vector<Endpoint>& list, size_t slot) { return slot < list.size() ? &list[slot] : nullptr; };
  auto value = [](const Endpoint* endpoint) { return endpoint ? Changes::Value(endpointData(*endpoint)) : kAbsent; };
  for (size_t slot = 0; slot < std::max(slots.size(), placed.size()); ++slot) {
    const Endpoint* before = at(slots, slot);
    const Endpoint* after = at(placed, slot);
    if (before && after && *before == *after) continue;
    changes.note(slotElement(port, slot), value(before), value(after));
    if (after) countUser(*after, +1, changes);
    if (before) countUser(*before, -1, changes);
  }
  changes.notePort(port);
  slots = std::move(placed);
}

void Slots::set(const ServicePort& port, Backends backends, Changes& changes) {
  auto [found, isNew] = ports_.try_emplace(port);
  Backends& present = found->second;
  backends.endpoints.resize(std::min(backends.endpoints.size(), kMaxSlots));
  auto placed = placeEndpoints(present.endpoints, backends.endpoints);
  backends.endpoints = placed;
  if (!isNew && backends == present) return;
  if (!isNew) {
    for (auto& [element, data] : portElements(port, present)) changes.note(std::move(element), data, kAbsent);
  }
  place(port, present.endpoints, std::move(placed), changes);
  present = std::move(backends);
  for (auto& [element, data] : portElements(port, present)) changes.note(std::move(element), kAbsent, data);
}

void Slots::remove(const ServicePort& port, Changes& changes) {
  auto found = ports_.find(port);
  if (found == ports_.end()) return;
  for (auto& [element, data] : portElements(port, found->second)) changes.note(std::move(element), data, kAbsent);
  place(port, found->second.endpoints, {}, changes);
  ports_.erase(found);
}

const Backends* Slots::find(const ServicePort& port) const {
  auto found = ports_.find(port);
  return found == ports_.end() ? nullptr : &found->second;
}

}  // namespace wherry::proxy

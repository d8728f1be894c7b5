#include "proxy/slots.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::proxy {
namespace {

using linux::nft::Data;

Data portData(const ServicePort& port) { return Data().address(port.ip).protocol(port.protocol).port(port.port); }

const Changes::Value kAbsent;
const Changes::Value kPresent{Data()};

Changes::Value slotValue(const std::vector<Endpoint>& slots, size_t slot) {
  return slot < slots.size() ? Changes::Value(endpointData(slots[slot])) : kAbsent;
}

}  // namespace

Element slotElement(const ServicePort& port, size_t slot) {
  return {"slots", portData(port).number(static_cast<uint32_t>(slot))};
}
Element sizeElement(const ServicePort& port, size_t size) {
  return {size == 0 ? "noendpoints" : fmt::format("n{}", size), portData(port)};
}
Element hairpinElement(linux::Ipv4Address ip) { return {"hairpin", Data().address(ip).address(ip)}; }
Data endpointData(const Endpoint& endpoint) { return Data().address(endpoint.ip).port(endpoint.port); }

void Changes::notePort(const ServicePort& port) {
  if (record_ == Record::kEverything) ports_.push_back(port);
}

void Changes::note(Element element, Value before, Value after) {
  if (record_ == Record::kNothing) return;
  auto [found, isNew] = elements_.try_emplace(std::move(element), Change{std::move(before), {}});
  found->second.after = std::move(after);
}

std::vector<std::pair<Element, Changes::Change>> Changes::elements() const {
  std::vector<std::pair<Element, Change>> effective;
  for (const auto& [element, change] : elements_) {
    if (change.before != change.after) effective.emplace_back(element, change);
  }
  return effective;
}

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

void Slots::countUser(linux::Ipv4Address ip, int by, Changes& changes) {
  int& users = users_[ip.value];
  auto value = [](int count) { return count > 0 ? kPresent : kAbsent; };
  changes.note(hairpinElement(ip), value(users), value(users + by));
  users += by;
  if (users == 0) users_.erase(ip.value);
}

void Slots::place(const ServicePort& port, std::vector<Endpoint>& slots, std::vector<Endpoint> placed,
                  Changes& changes) {
  for (size_t slot = 0; slot < std::max(slots.size(), placed.size()); ++slot) {
    auto before = slotValue(slots, slot);
    auto after = slotValue(placed, slot);
    if (before == after) continue;
    changes.note(slotElement(port, slot), before, after);
    if (after) countUser(placed[slot].ip, +1, changes);
    if (before) countUser(slots[slot].ip, -1, changes);
  }
  changes.notePort(port);
  slots = std::move(placed);
}

void Slots::set(const ServicePort& port, const std::vector<Endpoint>& endpoints, Changes& changes) {
  auto [found, isNew] = ports_.try_emplace(port);
  std::vector<Endpoint>& slots = found->second;
  std::vector<Endpoint> wanted(endpoints.begin(), endpoints.begin() + std::min(endpoints.size(), kMaxSlots));
  auto placed = placeEndpoints(slots, wanted);
  if (!isNew && placed == slots) return;
  if (!isNew) changes.note(sizeElement(port, slots.size()), kPresent, kAbsent);
  place(port, slots, std::move(placed), changes);
  changes.note(sizeElement(port, slots.size()), kAbsent, kPresent);
}

void Slots::remove(const ServicePort& port, Changes& changes) {
  auto found = ports_.find(port);
  if (found == ports_.end()) return;
  changes.note(sizeElement(port, found->second.size()), kPresent, kAbsent);
  place(port, found->second, {}, changes);
  ports_.erase(found);
}

const std::vector<Endpoint>* Slots::find(const ServicePort& port) const {
  auto found = ports_.find(port);
  return found == ports_.end() ? nullptr : &found->second;
}

}  // namespace wherry::proxy

#include "linux/nft/element_changes.h"

namespace wherry::linux::nft {
namespace {

void addTo(Set& set, const Element& element) {
  if (element.last) {
    set.ranges->emplace(element.key, *element.last);
  } else {
    set.elements.insert(element.key);
  }
}

}  // namespace

void ElementChanges::note(Element element, Value before, Value after) {
  if (record_ == Record::kNothing) return;
  auto [found, isNew] = elements_.try_emplace(std::move(element), Change{std::move(before), {}});
  found->second.after = std::move(after);
}

std::vector<std::pair<Element, ElementChanges::Change>> ElementChanges::elements() const {
  std::vector<std::pair<Element, Change>> effective;
  for (const auto& [element, change] : elements_) {
    if (change.before != change.after) effective.emplace_back(element, change);
  }
  return effective;
}

void addChanges(Batch& batch, const std::string& table,
                const std::vector<std::pair<Element, ElementChanges::Change>>& changes) {
  for (const auto& [element, change] : changes) {
    if (change.before) deleteElement(batch, table, element);
  }
  for (const auto& [element, change] : changes) {
    if (change.after) addElement(batch, table, element, *change.after);
  }
}

void addElement(Batch& batch, const std::string& table, const Element& element, const Data& data) {
  if (element.last) return batch.addRange(table, element.set, element.key, *element.last);
  if (!data.bytes().empty()) return batch.addElement(table, element.set, element.key, data);
  batch.addElement(table, element.set, element.key);
}

void deleteElement(Batch& batch, const std::string& table, const Element& element) {
  if (element.last) return batch.deleteRange(table, element.set, element.key, *element.last);
  batch.deleteElement(table, element.set, element.key);
}

void addElement(Table& table, const Element& element, const Data& data) {
  for (Set& set : table.sets) {
    if (set.name == element.set) addTo(set, element);
  }
  for (DataMap& map : table.maps) {
    if (map.name == element.set) map.elements.emplace(element.key, data);
  }
}

}  // namespace wherry::linux::nft

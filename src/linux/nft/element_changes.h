// What a transaction changes of a table's elements: changes of the same element are joined, and may cancel out. Pure
// but for the Batch that is filled; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "linux/nft/batch.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

// Of one of the table's sets, or of its maps.
struct Element {
  std::string set;
  Data key;
  std::optional<Data> last = std::nullopt;  // of a range of a set's, which begins with the key
  auto operator<=>(const Element&) const = default;
};

class ElementChanges {
 public:
  // kNothing: the whole table is going to be written, whatever changed.
  enum class Record { kEverything, kNothing };
  explicit ElementChanges(Record record = Record::kEverything) : record_(record) {}
  Record record() const { return record_; }

  // Nothing: the element isn't there; a set's element holds empty Data.
  using Value = std::optional<Data>;
  struct Change {
    Value before;
    Value after;
  };

  void note(Element element, Value before, Value after);

  // Elements that aren't the same before and after.
  std::vector<std::pair<Element, Change>> elements() const;

 private:
  Record record_;
  std::map<Element, Change> elements_;
};

// All that goes, then all that comes.
void addChanges(Batch& batch, const std::string& table,
                const std::vector<std::pair<Element, ElementChanges::Change>>& changes);

void addElement(Batch& batch, const std::string& table, const Element& element, const Data& data);
void deleteElement(Batch& batch, const std::string& table, const Element& element);
// In the model: nothing when the table has no such set or map.
void addElement(Table& table, const Element& element, const Data& data);

}  // namespace wherry::linux::nft

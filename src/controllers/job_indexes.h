// Completion indexes of an Indexed Job as its status writes them: "0,2-5,7". Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::controllers {

class IndexSet {
 public:
  // Indexes from `end` on are left out, and so is what is no number.
  static IndexSet parse(std::string_view text, int64_t end);

  void add(int64_t index) { addRange(index, index); }
  void addAll(const IndexSet& other);
  bool has(int64_t index) const;
  bool empty() const { return ranges_.empty(); }
  int64_t size() const;  // how many indexes
  std::string text() const;
  int64_t countCommon(const IndexSet& other) const;
  // The first `count` indexes below `end` that are not in the set.
  std::vector<int64_t> firstMissing(int64_t count, int64_t end) const;

 private:
  void addRange(int64_t first, int64_t last);

  std::map<int64_t, int64_t> ranges_;  // first -> last; they neither overlap nor touch
};

}  // namespace wherry::controllers

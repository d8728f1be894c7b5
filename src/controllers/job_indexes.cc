#include "controllers/job_indexes.h"

#include <algorithm>

#include "base/strings.h"

namespace wherry::controllers {

IndexSet IndexSet::parse(std::string_view text, int64_t end) {
  IndexSet set;
  for (const auto part : base::split(text, ',')) {
    const auto limits = base::splitOnce(part, '-');
    const auto first = base::parseInt<int64_t>(limits ? limits->first : part);
    const auto last = limits ? base::parseInt<int64_t>(limits->second) : first;
    if (!first || !last || *first < 0 || *first >= end || *last < *first) continue;
    set.addRange(*first, std::min(*last, end - 1));
  }
  return set;
}

void IndexSet::addAll(const IndexSet& other) {
  for (const auto& [first, last] : other.ranges_) addRange(first, last);
}

void IndexSet::addRange(int64_t first, int64_t last) {
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second >= first - 1) --at;
  while (at != ranges_.end() && at->first <= last + 1) {
    first = std::min(first, at->first);
    last = std::max(last, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace_hint(at, first, last);
}

bool IndexSet::has(int64_t index) const {
  const auto after = ranges_.upper_bound(index);
  return after != ranges_.begin() && std::prev(after)->second >= index;
}

int64_t IndexSet::size() const {
  int64_t count = 0;
  for (const auto& [first, last] : ranges_) count += last - first + 1;
  return count;
}

// Two neighbours are written as two: "3,4", not "3-4".
std::string IndexSet::text() const {
  std::string text;
  for (const auto& [first, last] : ranges_) {
    if (!text.empty()) text += ',';
    text += std::to_string(first);
    if (last > first) text += (last == first + 1 ? "," : "-") + std::to_string(last);
  }
  return text;
}

int64_t IndexSet::countCommon(const IndexSet& other) const {
  int64_t common = 0;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    common += std::max<int64_t>(0, std::min(a->second, b->second) - std::max(a->first, b->first) + 1);
    (a->second < b->second ? a : b)++;
  }
  return common;
}

std::vector<int64_t> IndexSet::firstMissing(int64_t count, int64_t end) const {
  std::vector<int64_t> missing;
  int64_t candidate = 0;
  const auto fillUpTo = [&](int64_t limit) {
    for (; candidate < limit && std::ssize(missing) < count; ++candidate) missing.push_back(candidate);
  };
  for (const auto& [first, last] : ranges_) {
    fillUpTo(std::min(first, end));
    candidate = std::max(candidate, last + 1);
  }
  fillUpTo(end);
  return missing;
}

}  // namespace wherry::controllers

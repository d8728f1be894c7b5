// Rulesets as nft(8) lists them and as the model says, for tests that compare the two.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/strings.h"

namespace wherry::linux::nft {

// The lines of a ruleset without layout and order. Two things nft shows otherwise than they were given: a match that a
// reject implies, and the order of elements.
inline std::vector<std::string> sortedLines(const std::string& ruleset) {
  std::vector<std::string> lines;
  for (std::string_view raw : base::split(ruleset, '\n')) {
    std::string line =
        base::replaceAll(base::replaceAll(raw, "elements = { ", ""), "meta l4proto tcp reject", "reject");
    std::string_view text = base::trim(line);
    while (!text.empty() && (text.back() == ',' || text.back() == '}' || text.back() == ' ')) text.remove_suffix(1);
    if (text.empty()) continue;
    bool isElements = text[0] >= '0' && text[0] <= '9';
    for (std::string_view part : base::split(text, isElements ? ',' : '\n')) lines.emplace_back(base::trim(part));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace wherry::linux::nft

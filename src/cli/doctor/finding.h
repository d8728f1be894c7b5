// What `wherry doctor` finds: one sentence about each part of a Service's way to its clients. Plain values.
#pragma once

#include <string>
#include <vector>

namespace wherry::cli {

enum class Level { kOk, kNote, kFail };
const char* levelText(Level level);  // "ok", "note", "FAIL"

struct Finding {
  std::string about;  // "selector", "DNS"
  Level level = Level::kOk;
  // Of a kFail a clause that can stand behind "doesn't work because".
  std::string text;
  std::vector<std::string> facts = {};  // what it is concluded from
};
using Findings = std::vector<Finding>;

}  // namespace wherry::cli

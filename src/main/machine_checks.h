// What a machine must have and should have to run the cluster, judged from facts (machine_facts.h). Pure.
#pragma once

#include <string>
#include <vector>

#include "main/machine_facts.h"

namespace wherry::main {

enum class Level { kOk, kWarn, kFail };
const char* levelText(Level level);  // "ok", "warn", "FAIL"

struct Finding {
  std::string name;  // "program crun"
  Level level = Level::kOk;
  std::string text;    // "version 1.8.1"
  std::string remedy;  // what to do; empty when nothing is to be done
};

// One finding a check, in the order of the table in machine_checks.cc. A kFail keeps the server from working.
std::vector<Finding> checkFacts(const MachineFacts& facts);

}  // namespace wherry::main

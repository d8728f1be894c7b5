// The manual's pages in man(7), made of the declarations: wherry(1), and a page for each command, wherry-server(8).
#pragma once

#include <string>
#include <vector>

#include "cli/declarations.h"

namespace wherry::cli {

struct ManualPage {
  std::string name;  // "wherry-server"
  int section = 1;
  std::string text;
};

// Pure. wherry(1) comes first.
std::vector<ManualPage> renderManual(const CommandFacts& program, const std::string& version);

}  // namespace wherry::cli

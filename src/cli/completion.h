// Completions for shells, made of the declarations: commands, flags, and the values of flags where they are files,
// directories or one of a few words. After `wherry kubectl` kubectl's own completions take over where they are loaded.
#pragma once

#include <string>

#include "cli/declarations.h"

namespace wherry::cli {

// Pure.
std::string renderBashCompletion(const CommandFacts& program);
std::string renderZshCompletion(const CommandFacts& program);

}  // namespace wherry::cli

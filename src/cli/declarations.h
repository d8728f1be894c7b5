// What the commands' parsers declare, as plain values: what the manual and the completions are made of, so that they
// say what --help says. Pure.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace wherry::cli {

struct FlagFacts {
  std::vector<std::string> names;  // "-o", "--output"; of an argument its name alone, "FILE"
  std::string help;
  std::string value;                 // what follows it: "FILE", "DIR", "TEXT"; empty for a switch
  std::string fallback;              // what it is when it is not given; empty: the help says, or nothing
  std::vector<std::string> choices;  // empty: anything
  bool repeatable = false;
};

struct CommandFacts {
  std::string name;
  std::string help;
  std::string group;
  std::string footer;
  std::vector<FlagFacts> flags;
  std::vector<FlagFacts> arguments;
  std::vector<CommandFacts> commands;
};

// Without what is hidden from --help.
CommandFacts readDeclarations(const CLI::App& app);

}  // namespace wherry::cli

// The commands of `wherry`: one file each, listed in commands.cc. A command adds its flags to its own subcommand of the
// parser and returns the process's exit code.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

namespace wherry::cli {

struct Command {
  std::string_view name;
  std::string_view help;
  // Declares the flags; what it returns is called when the command was given. Throws StatusError or std::exception:
  // main prints the text and exits with 1.
  std::function<std::function<int()>(CLI::App& parser)> declare;
};

// Those that need nothing but the API and the admin socket; main/ adds the ones that are the server itself.
const std::vector<Command>& commands();

std::function<int()> declareKubectl(CLI::App& parser);
std::function<int()> declareStatus(CLI::App& parser);
std::function<int()> declareImage(CLI::App& parser);
std::function<int()> declareVersion(CLI::App& parser);

// Parses argv with these commands and runs the one that was given; the process's exit code.
int runCommandLine(int argc, char** argv, const std::vector<Command>& commands);

}  // namespace wherry::cli

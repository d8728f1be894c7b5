// The commands of `wherry`: one file each, listed in commands.cc. A command adds its flags to its own subcommand of the
// parser and returns the process's exit code: 0, 1 when it could not do it, 2 when it was asked wrongly (flags,
// configuration file) and asking again is no use.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

namespace wherry::cli {

// The groups of the commands in --help; the manual has the first in section 8.
inline constexpr std::string_view kRunning = "Running a cluster";
inline constexpr std::string_view kUsing = "Using it";
inline constexpr std::string_view kHidden;  // in neither

struct Command {
  std::string_view name;
  std::string_view help;
  // Declares the flags; what it returns is called when the command was given. Throws StatusError or std::exception:
  // main prints the text and exits with 1.
  // A command with --data-dir or --run-dir gets --config as well, and has the file's values when it is called.
  std::function<std::function<int()>(CLI::App& parser)> declare;
  std::string_view group = kUsing;
};

// Those that need nothing but the API and the admin socket; main/ adds the ones that are the server itself.
const std::vector<Command>& commands();

std::function<int()> declareKubectl(CLI::App& parser);
std::function<int()> declareKubeconfig(CLI::App& parser);
std::function<int()> declareStatus(CLI::App& parser);
std::function<int()> declareDoctor(CLI::App& parser);
std::function<int()> declareResolve(CLI::App& parser);
std::function<int()> declareImage(CLI::App& parser);
std::function<int()> declareSecrets(CLI::App& parser);
std::function<int()> declareVersion(CLI::App& parser);
std::function<int()> declareCompletion(CLI::App& parser);
std::function<int()> declareManual(CLI::App& parser);

// Parses argv with these commands and runs the one that was given; the process's exit code.
int runCommandLine(int argc, char** argv, const std::vector<Command>& commands);

}  // namespace wherry::cli

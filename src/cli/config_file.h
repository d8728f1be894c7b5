// The configuration file: YAML whose keys are the flags of `wherry server`, without the dashes.
//
//   node-name: edge-7
//   port: 6444
//   disable: [proxy]
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <CLI/App.hpp>

namespace wherry::cli {

inline constexpr const char* kConfigFile = "/etc/wherry/config.yaml";  // read when it exists and --config names none

// The settings with which the server runs or ran last that has this run directory: RUN-DIR/server.yaml. Commands that
// are about a server give way to it before they read the configuration file.
inline constexpr const char* kRunRecord = "server.yaml";

// What the user wrote is wrong: the process exits with 2, and to start it again is no use.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Gives the options of `parser` the values of the file's `text`, but not those that have a value already: flags win.
// An option's key is its long name. A key that no option of `known` has is an error; one that `known` alone has is
// passed over, for a command that shares a few options of the server's. A value has the option's type: text, number,
// true or false, and a list where the option may be given several times. Throws UsageError with file, line and key.
void applyConfig(std::string_view text, const std::string& file, CLI::App& known, CLI::App& parser);

// The same with the file at `path`.
void applyConfigFile(const std::string& path, CLI::App& known, CLI::App& parser);

}  // namespace wherry::cli

// `wherry server`: everything that runs, in the order in which it starts and, reversed, stops. The only place that
// knows all parts.
#pragma once

#include <functional>

#include <CLI/App.hpp>

#include "main/server_options.h"

namespace wherry::main {

// Runs until SIGTERM or SIGINT; the process's exit code. Throws std::exception when something can't start, with what to
// do about it.
int runServer(ServerOptions options);

std::function<int()> declareServer(CLI::App& parser);

}  // namespace wherry::main

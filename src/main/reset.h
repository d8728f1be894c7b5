// `wherry reset`: removes everything that a server made on this machine, and nothing else.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace wherry::main {

std::function<int()> declareReset(CLI::App& parser);

}  // namespace wherry::main

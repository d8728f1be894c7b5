// `wherry snapshot`: save of the running server, verify, and restore into an empty data directory.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace wherry::main {

std::function<int()> declareSnapshot(CLI::App& parser);

}  // namespace wherry::main

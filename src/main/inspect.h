// `wherry inspect`: an archive for a bug report.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace wherry::main {

std::function<int()> declareInspect(CLI::App& parser);

}  // namespace wherry::main

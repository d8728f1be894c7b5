// `wherry check`: whether this machine has what the cluster needs, before the first start or any time.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace wherry::main {

std::function<int()> declareCheck(CLI::App& parser);

}  // namespace wherry::main

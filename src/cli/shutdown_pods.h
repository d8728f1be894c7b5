// `wherry shutdown-pods`: what a machine runs before it goes down.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace wherry::cli {

std::function<int()> declareShutdownPods(CLI::App& parser);

}  // namespace wherry::cli

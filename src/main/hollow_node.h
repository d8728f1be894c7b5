// `wherry hollow-node`: nodes without containers, for tests of scale. Each has a Node object and renews its Lease; pods
// that are bound to it run, are ready and end only on paper (hollow_pod.h). One process plays as many as --count says,
// over one watch and a few connections.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace wherry::main {

std::function<int()> declareHollowNode(CLI::App& parser);

}  // namespace wherry::main

// Whether the ports that the server listens on can be had now, and who has them if not.
#pragma once

#include <vector>

#include "main/machine_facts.h"

namespace wherry::main {

// Listens on each for a moment; on those of DNS only as root, as others can't.
std::vector<PortFacts> tryPorts(const ServerOptions& options);

}  // namespace wherry::main

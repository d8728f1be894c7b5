// What must be there before the server starts. Each check throws std::runtime_error with what is missing and what to
// do.
#pragma once

#include "main/server_options.h"

namespace wherry::main {

// Root, the programs that containers need, a data directory that can be written.
void checkMachine(const ServerOptions& options);

}  // namespace wherry::main

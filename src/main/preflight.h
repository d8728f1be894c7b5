// What must be there before the server starts: the checks of `wherry check` (machine_checks.h), of which those that
// fail stop it, while the others are logged.
#pragma once

#include "main/server_options.h"

namespace wherry::main {

// Throws std::runtime_error: this user can't do what the server is asked for.
void requireRoot(const ServerOptions& options);

// Throws std::runtime_error with all that is missing, or stands in the way, and what to do. Makes the data directory.
void checkMachine(const ServerOptions& options);

}  // namespace wherry::main

// The size of a container's terminal.
#pragma once

#include <string>

#include "client/node_connection.h"
#include "kubelet/runtime/crun.h"

namespace wherry::kubelet {

// Sets it on the terminal that the container's conmon holds; of several in quick succession the last one counts.
// Nothing happens when the container has none, or runs no more.
void resizeTerminal(const Crun& crun, const std::string& id, const std::string& bundle, client::TerminalSize size);

// The same for a terminal that we hold.
void resizeTerminal(int terminal, client::TerminalSize size);

}  // namespace wherry::kubelet

#include <vector>

#include <malloc.h>

#include "cli/command.h"
#include "main/check.h"
#include "main/hollow_node.h"
#include "main/inspect.h"
#include "main/reset.h"
#include "main/server.h"
#include "main/snapshot.h"

int main(int argc, char** argv) {
  // Many threads that each allocate little: two arenas are enough, and what is freed goes back soon.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 10);

  std::vector<wherry::cli::Command> commands = {
      {"server", "run the cluster", wherry::main::declareServer, wherry::cli::kRunning},
      {"check", "say whether this machine has what the cluster needs", wherry::main::declareCheck,
       wherry::cli::kRunning},
      {"inspect", "gather what a bug report needs", wherry::main::declareInspect, wherry::cli::kRunning},
      {"snapshot", "save the cluster to a file, verify it, restore it", wherry::main::declareSnapshot,
       wherry::cli::kRunning},
      {"hollow-node", "play nodes without containers, for tests of scale", wherry::main::declareHollowNode,
       wherry::cli::kRunning},
      {"reset", "stop the pods and remove everything that the server made", wherry::main::declareReset,
       wherry::cli::kRunning},
  };
  const auto& others = wherry::cli::commands();
  commands.insert(commands.begin() + 1, others.begin(), others.end());
  return wherry::cli::runCommandLine(argc, argv, commands);
}

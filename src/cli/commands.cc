#include <cstdio>
#include <exception>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"

namespace wherry::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"kubectl", "run the kubectl on PATH with this cluster's kubeconfig", declareKubectl},
      {"status", "say what runs and what is wrong", declareStatus},
      {"image", "import, pull, list and remove images", declareImage},
      {"version", "say the version", declareVersion},
  };
  return table;
}

int runCommandLine(int argc, char** argv, const std::vector<Command>& commands) {
  CLI::App app("Wherry: Kubernetes in one small program", "wherry");
  app.require_subcommand(1);
  std::map<CLI::App*, std::function<int()>> actions;
  for (const Command& command : commands) {
    CLI::App* parser = app.add_subcommand(std::string(command.name), std::string(command.help));
    actions[parser] = command.declare(*parser);
  }
  try {
    app.parse(argc, argv);
    return actions.at(app.get_subcommands().front())();
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "wherry: {}\n", error.what());
    return 1;
  }
}

}  // namespace wherry::cli

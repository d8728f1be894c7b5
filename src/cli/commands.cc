#include <cstdio>
#include <exception>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/shutdown_pods.h"

namespace wherry::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"kubectl", "run the kubectl on PATH with this cluster's kubeconfig", declareKubectl},
      {"kubeconfig", "make a user's kubeconfig", declareKubeconfig},
      {"status", "say what runs and what is wrong", declareStatus},
      {"doctor", "explain why a Service works or not", declareDoctor},
      {"resolve", "show what the cluster DNS answers, and which objects that comes from", declareResolve},
      {"image", "import, pull, list and remove images", declareImage},
      {"secrets", "write what is encrypted on the disk anew", declareSecrets},
      {"shutdown-pods", "end this node's pods, for the machine goes down", declareShutdownPods},
      {"completion", "print completions for a shell", declareCompletion},
      {"version", "say the version", declareVersion},
      {"man", "print the manual", declareManual, kHidden},
  };
  return table;
}

namespace {

constexpr int kWrongUsage = 2;

using Actions = std::map<CLI::App*, std::function<int()>>;

Actions declareAll(CLI::App& app, const std::vector<Command>& commands) {
  Actions actions;
  for (const Command& command : commands) {
    CLI::App* parser = app.add_subcommand(std::string(command.name), std::string(command.help));
    parser->group(std::string(command.group));
    actions[parser] = command.declare(*parser);
    if (!parser->get_option_no_throw("--data-dir") && !parser->get_option_no_throw("--run-dir")) continue;
    parser->add_option("--config", "the configuration file: the server's flags as YAML, `port: 6443`; flags win")
        ->default_str(kConfigFile)
        ->type_name("FILE");
  }
  return actions;
}

// What the command line says, or else the file, or else the default.
std::string runDirOf(CLI::App& server, CLI::App& parser, const std::string& file) {
  CLI::Option* option = parser.get_option_no_throw("--run-dir");
  if (!option) option = server.get_option("--run-dir");
  if (option->count() > 0) return option->as<std::string>();
  CLI::App alone;
  std::string runDir = option->get_default_str();
  alone.add_option("--run-dir", runDir);
  if (!file.empty()) applyConfigFile(file, server, alone);
  return runDir;
}

// Flags win over what the server of this run directory runs with, that over the configuration file, and that over the
// defaults.
void readConfig(CLI::App& app, CLI::App& parser) {
  const CLI::Option* option = parser.get_option_no_throw("--config");
  if (!option) return;
  std::string file = option->count() > 0                ? option->as<std::string>()
                     : ::access(kConfigFile, F_OK) == 0 ? kConfigFile
                                                        : "";
  CLI::App* server = app.get_subcommand("server");
  if (&parser != server) {
    std::string record = runDirOf(*server, parser, file) + "/" + kRunRecord;
    if (::access(record.c_str(), F_OK) == 0) applyConfigFile(record, *server, parser);
  }
  if (!file.empty()) applyConfigFile(file, *server, parser);
}

}  // namespace

int runCommandLine(int argc, char** argv, const std::vector<Command>& commands) {
  CLI::App app("Wherry: Kubernetes in one small program", "wherry");
  app.require_subcommand(1);
  Actions actions = declareAll(app, commands);
  try {
    app.parse(argc, argv);
    CLI::App* chosen = app.get_subcommands().front();
    readConfig(app, *chosen);
    return actions.at(chosen)();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  } catch (const UsageError& error) {
    fmt::print(stderr, "wherry: {}\n", error.what());
    return kWrongUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "wherry: {}\n", error.what());
    return 1;
  }
}

}  // namespace wherry::cli

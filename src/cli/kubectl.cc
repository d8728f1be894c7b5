#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/subprocess.h"
#include "cli/command.h"

namespace wherry::cli {
namespace {

int runKubectl(const std::string& kubeconfig, std::vector<std::string> arguments) {
  auto program = base::findProgram("kubectl");
  if (!program) throw std::runtime_error("kubectl is not on PATH; install it (Debian: apt install kubernetes-client)");
  if (::access(kubeconfig.c_str(), R_OK) != 0) base::throwErrno("kubeconfig " + kubeconfig);
  arguments.insert(arguments.begin(), *program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::setenv("KUBECONFIG", kubeconfig.c_str(), 1);
  ::execv(program->c_str(), argv.data());
  base::throwErrno("exec " + *program);
}

}  // namespace

std::function<int()> declareKubectl(CLI::App& parser) {
  struct Options {
    std::string dataDir = "/var/lib/wherry";
    std::string runDir = "/run/wherry";
    std::string kubeconfig;
  };
  auto options = std::make_shared<Options>();
  // The second name is the server's flag, so that the configuration file's value is found.
  parser
      .add_option("--kubeconfig,--write-kubeconfig", options->kubeconfig,
                  "the kubeconfig to use (default: DATA-DIR/admin.kubeconfig)")
      ->type_name("FILE");
  parser.add_option("--run-dir", options->runDir, "the server's run directory")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--data-dir", options->dataDir, "the server's data directory")
      ->type_name("DIR")
      ->capture_default_str();
  parser.prefix_command();
  return [options, &parser] {
    bool named = !options->kubeconfig.empty();
    return runKubectl(named ? options->kubeconfig : options->dataDir + "/admin.kubeconfig", parser.remaining());
  };
}

}  // namespace wherry::cli

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
  auto kubeconfig = std::make_shared<std::string>("/var/lib/wherry/admin.kubeconfig");
  parser.add_option("--kubeconfig", *kubeconfig, "the kubeconfig to use")->capture_default_str();
  parser.prefix_command();
  return [kubeconfig, &parser] { return runKubectl(*kubeconfig, parser.remaining()); };
}

}  // namespace wherry::cli

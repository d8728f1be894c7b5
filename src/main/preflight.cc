#include "main/preflight.h"

#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/subprocess.h"

namespace wherry::main {
namespace {

void checkPrograms() {
  std::vector<std::string> missing;
  for (const char* program : {"crun", "conmon", "skopeo"}) {
    if (!base::findProgram(program)) missing.emplace_back(program);
  }
  if (missing.empty()) return;
  throw std::runtime_error(
      fmt::format("{} not found on PATH; install with: apt install {} (or run the control plane alone: "
                  "--disable kubelet)",
                  fmt::join(missing, ", "), fmt::join(missing, " ")));
}

}  // namespace

void checkMachine(const ServerOptions& options) {
  bool touchesTheNode = options.enabled("kubelet") || options.enabled("proxy") || options.enabled("dns");
  if (touchesTheNode && ::geteuid() != 0) {
    throw std::runtime_error("pods, Services and DNS need root: sudo wherry server (or the API alone: --only api)");
  }
  if (options.enabled("kubelet")) checkPrograms();
  base::makeDirectories(options.dataDir, 0711);
  if (::access(options.dataDir.c_str(), W_OK) != 0) {
    throw std::runtime_error(fmt::format("--data-dir {} can't be written by this user", options.dataDir));
  }
}

}  // namespace wherry::main

#include "main/preflight.h"

#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "main/cluster_snapshot.h"
#include "main/machine_checks.h"

namespace wherry::main {
namespace {

const base::Log kLog("check");

}  // namespace

void requireRoot(const ServerOptions& options) {
  bool touchesTheNode =
      options.enabled("kubelet") || options.enabled("proxy") || options.enabled("policy") || options.enabled("dns");
  if (touchesTheNode && ::geteuid() != 0) {
    throw std::runtime_error("pods, Services and DNS need root: sudo wherry server (or the API alone: --only api)");
  }
}

void checkMachine(const ServerOptions& options) {
  std::vector<std::string> failures;
  for (const Finding& finding : checkFacts(readMachineFacts(options, Scope::kStarting))) {
    std::string line = fmt::format("{}: {}", finding.name, finding.text);
    if (finding.level == Level::kWarn) kLog.warn("{}; {}", line, finding.remedy);
    if (finding.level == Level::kFail) failures.push_back(fmt::format("{}; {}", line, finding.remedy));
  }
  if (!failures.empty()) throw std::runtime_error(base::join(failures, "\n  "));
  checkNoUnfinishedRestore(options.dataDir);
  base::makeDirectories(options.dataDir, 0711);
}

}  // namespace wherry::main

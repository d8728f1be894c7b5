#include "cli/shutdown_pods.h"

#include <chrono>
#include <memory>
#include <string>

#include "cli/admin_client.h"
#include "cli/patience.h"

namespace wherry::cli {

std::function<int()> declareShutdownPods(CLI::App& parser) {
  constexpr std::chrono::hours kTimeout{24};  // the server's flags bound it
  auto runDir = std::make_shared<std::string>("/run/wherry");
  parser.add_option("--run-dir", *runDir, "the server's run directory")->capture_default_str();
  return [=] {
    Patience patience("ending the pods");
    AdminClient(*runDir).post("/shutdown-pods", kTimeout);
    return 0;
  };
}

}  // namespace wherry::cli

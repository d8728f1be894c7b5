#include <fmt/format.h>

#include "cli/command.h"

namespace wherry::cli {

std::function<int()> declareVersion(CLI::App&) {
  return [] {
    fmt::print("wherry {} (Kubernetes v1.36)\n", WHERRY_VERSION);
    return 0;
  };
}

}  // namespace wherry::cli

#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/admin_client.h"
#include "cli/command.h"
#include "cli/patience.h"

namespace wherry::cli {
namespace {

constexpr std::chrono::minutes kTimeout{10};

int rotate(const std::string& runDir) {
  Patience patience("writing what is encrypted anew");
  json::Value answer = AdminClient(runDir).post("/secrets/rotate", kTimeout);
  fmt::print("{} objects written with the first key\n", json::getInt(answer, "written"));
  const auto& unreadable = answer.at("unreadable").as_array();
  for (const json::Value& key : unreadable) {
    fmt::print(stderr, "{} can't be decrypted: its key is not in the configuration\n", key.as_string().c_str());
  }
  return unreadable.empty() ? 0 : 1;
}

}  // namespace

std::function<int()> declareSecrets(CLI::App& parser) {
  auto runDir = std::make_shared<std::string>("/run/wherry");
  parser.add_option("--run-dir", *runDir, "the server's run directory")->capture_default_str();
  parser.require_subcommand(1);
  parser.fallthrough();
  parser.add_subcommand("rotate", "write all that --encryption-config names with the first key");
  return [=] { return rotate(*runDir); };
}

}  // namespace wherry::cli

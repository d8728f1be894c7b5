#include "main/check.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "json/value.h"
#include "main/machine_checks.h"
#include "main/run_lock.h"
#include "main/server_options.h"

namespace wherry::main {
namespace {

struct Options {
  ServerOptions server;
  std::string output = "text";
};

json::Value toJson(const std::vector<Finding>& findings) {
  json::Array out;
  for (const Finding& finding : findings) {
    out.push_back({{"name", finding.name},
                   {"level", levelText(finding.level)},
                   {"text", finding.text},
                   {"remedy", finding.remedy}});
  }
  return {{"checks", std::move(out)}};
}

void print(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    fmt::print("{:<5} {:<32} {}\n", levelText(finding.level), finding.name, finding.text);
    if (!finding.remedy.empty()) fmt::print("      -> {}\n", finding.remedy);
  }
}

// What the flags and the machine together leave impossible, such as no address at all.
std::vector<Finding> completed(ServerOptions& options) {
  try {
    completeOptions(options);
    return {};
  } catch (const std::runtime_error& error) {
    return {{"options", Level::kFail, error.what(), "see wherry server --help"}};
  }
}

int check(Options options) {
  std::vector<Finding> findings = completed(options.server);
  // The ports of a server that runs are in use by itself.
  Scope scope = RunLock::isHeld(options.server.runDir) ? Scope::kRunning : Scope::kAll;
  for (Finding& finding : checkFacts(readMachineFacts(options.server, scope))) findings.push_back(std::move(finding));
  if (options.output == "json")
    fmt::print("{}\n", json::serializePretty(toJson(findings)));
  else
    print(findings);
  if (scope == Scope::kRunning && options.output != "json") {
    fmt::print("a server runs with {}: ports and kernel features are not tried\n", options.server.runDir);
  }
  bool failed = std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.level == Level::kFail; });
  return failed ? 1 : 0;
}

}  // namespace

std::function<int()> declareCheck(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  declareServerFlags(parser, options->server);
  parser.add_option("-o,--output", options->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  parser.footer("Exits with 1 when anything FAILs: the server would not start.");
  return [options] { return check(*options); };
}

}  // namespace wherry::main

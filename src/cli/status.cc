#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/admin_client.h"
#include "cli/command.h"

namespace wherry::cli {
namespace {

struct Options {
  std::string runDir = "/run/wherry";
  std::string output = "text";
  std::string timeout = "60s";
  bool waitReady = false;
};

// "90s", "2m", "1500ms"; a number alone is seconds.
std::chrono::milliseconds parseDuration(const std::string& text) {
  size_t digits = 0;
  long long number = std::stoll(text, &digits);
  std::string unit = text.substr(digits);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit.empty() || unit == "s") return std::chrono::seconds(number);
  throw std::runtime_error("--timeout " + text + ": not a duration");
}

void printStatus(const json::Value& status) {
  fmt::print("{:<12} {}\n", "server", json::getBool(status, "ready") ? "ready" : "not ready");
  for (const char* key : {"version", "url", "node", "nodeIp", "clusterDns", "dataDir", "kubeconfig"}) {
    if (auto text = json::getString(status, key); !text.empty()) fmt::print("{:<12} {}\n", key, text);
  }
  const json::Value* parts = json::find(status, "parts");
  if (!parts || !parts->is_array()) return;
  for (const json::Value& part : parts->get_array()) {
    fmt::print("  {:<12} {}\n", json::getString(part, "name"), json::getString(part, "state"));
  }
}

int showStatus(const Options& options) {
  AdminClient admin(options.runDir);
  json::Value status;
  if (options.waitReady) {
    auto wait = parseDuration(options.timeout);
    auto deadline = std::chrono::steady_clock::now() + wait;
    if (!admin.waitForSocket(deadline)) {
      throw std::runtime_error(fmt::format("no server has started within {}", options.timeout));
    }
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    status = admin.get(fmt::format("/status?waitMillis={}", std::max<int64_t>(left.count(), 0)),
                       left + std::chrono::seconds(2));
  } else {
    status = admin.get("/status");
  }
  if (options.output == "json")
    fmt::print("{}\n", json::serializePretty(status));
  else
    printStatus(status);
  return json::getBool(status, "ready") ? 0 : 1;
}

}  // namespace

std::function<int()> declareStatus(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("--run-dir", options->runDir, "the server's run directory")->capture_default_str();
  parser.add_option("-o,--output", options->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  parser.add_flag("--wait-ready", options->waitReady, "wait until everything is ready");
  parser.add_option("--timeout", options->timeout, "how long to wait at most")->capture_default_str();
  return [options] { return showStatus(*options); };
}

}  // namespace wherry::cli

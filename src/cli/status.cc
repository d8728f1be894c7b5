#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/strings.h"
#include "cli/admin_client.h"
#include "cli/command.h"
#include "cli/status_text.h"

namespace wherry::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kSilence{1900};  // nobody waits two seconds without a word

struct Options {
  std::string runDir = "/run/wherry";
  std::string output = "text";
  std::string timeout = "60s";
  bool waitReady = false;
};

// "90s", "2m", "1500ms"; a number alone is seconds.
milliseconds parseDuration(const std::string& text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = base::parseInt<int32_t>(std::string_view(text).substr(0, digits));
  std::string unit = text.substr(digits);
  if (number && unit == "ms") return milliseconds(*number);
  if (number && unit == "m") return std::chrono::minutes(*number);
  if (number && (unit.empty() || unit == "s")) return std::chrono::seconds(*number);
  throw std::runtime_error("--timeout " + text + ": not a duration such as 90s, 2m or 1500ms");
}

milliseconds left(Clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(deadline - Clock::now()));
}

// One line each time something changes, or two seconds have gone by. On stderr: stdout has the status alone.
class Waiting {
 public:
  explicit Waiting(const Options& options)
      : options_(options), admin_(options.runDir), deadline_(Clock::now() + parseDuration(options.timeout)) {}

  // What the server said when it was ready. Throws std::runtime_error with what it waited for when the time is over.
  json::Value untilReady() {
    std::string waitingFor = awaitServer();
    for (int64_t seen = 0; left(deadline_).count() > 0;) {
      auto most = std::min(left(deadline_), kSilence);
      json::Value parts = admin_.get(fmt::format("/status?waitMillis={}&seen={}", most.count(), seen), most + kSilence);
      seen = json::getInt(parts, "change");
      waitingFor = renderWaiting(parts);
      if (json::getBool(parts, "ready")) return parts;
      say(waitingFor);
    }
    throw std::runtime_error(fmt::format("not ready within {}: {}", options_.timeout, waitingFor));
  }

 private:
  std::string awaitServer() {
    std::string text = fmt::format("waiting for a server with the run directory {}", options_.runDir);
    while (!admin_.waitForSocket(std::min(deadline_, Clock::now() + kSilence))) {
      std::string reason = lastError(options_.runDir);
      if (!reason.empty()) text = "the server did not start: " + reason;
      if (left(deadline_).count() == 0) {
        throw std::runtime_error(fmt::format("no server has started within {}; {}", options_.timeout, text));
      }
      say(text);
    }
    return text;
  }

  void say(const std::string& text) const {
    auto since = std::chrono::duration_cast<milliseconds>(Clock::now() - start_);
    fmt::print(stderr, "{:5.1f} s  {}\n", static_cast<double>(since.count()) / 1000, text);
  }

  const Options& options_;
  AdminClient admin_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point deadline_;
};

int waitReady(const Options& options) {
  json::Value parts = Waiting(options).untilReady();
  fmt::print("{}\n", options.output == "json" ? json::serializePretty(parts) : "ready");
  return 0;
}

int showStatus(const Options& options) {
  if (options.waitReady) return waitReady(options);
  json::Value report = AdminClient(options.runDir).get("/report");
  if (options.output == "json")
    fmt::print("{}\n", json::serializePretty(report));
  else
    fmt::print("{}", renderStatusText(report));
  return json::getBool(report, "ready") ? 0 : 1;
}

}  // namespace

std::function<int()> declareStatus(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("--run-dir", options->runDir, "the server's run directory")->capture_default_str();
  parser.add_option("-o,--output", options->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  parser.add_flag("--wait-ready", options->waitReady, "wait until everything is ready, and say no more than that");
  parser.add_option("--timeout", options->timeout, "how long to wait at most")->capture_default_str();
  parser.footer("Exits with 0 when all parts are ready, whatever else may be wrong, and with 1 when not.");
  return [options] { return showStatus(*options); };
}

}  // namespace wherry::cli

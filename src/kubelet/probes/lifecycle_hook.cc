#include "kubelet/probes/lifecycle_hook.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/utf8.h"
#include "kubelet/probes/http_probe.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

void sleepUntilStopped(milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, std::move(stop), time, [] { return false; });
}

std::vector<std::string> commandOf(const core_v1::ExecAction& action) {
  std::vector<std::string> argv;
  for (std::string_view part : action.command()) argv.emplace_back(part);
  return argv;
}

ProbeAnswer runCommand(const core_v1::ExecAction& action, const ProbeTarget& target, std::string_view pod,
                       milliseconds atMost) {
  auto argv = commandOf(action);
  std::string error, output;
  try {
    auto finished = target.exec(argv, atMost);
    if (finished.ok()) return {true, {}};
    error = finished.timedOut ? fmt::format("command \"{}\" timed out", base::join(argv, " "))
                              : fmt::format("command '{}' exited with {}: {}", base::join(argv, " "), finished.exitCode,
                                            finished.err);
    output = finished.out + finished.err;
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  std::string message =
      fmt::format("Exec lifecycle hook ([{}]) for Container \"{}\" in Pod \"{}\" failed - error: {}, message: \"{}\"",
                  base::join(argv, " "), target.container.name(), pod, error, output);
  return {false, base::toUtf8(message)};
}

}  // namespace

ProbeAnswer runHook(const core_v1::LifecycleHandler& hook, const ProbeTarget& target, std::string_view pod,
                    milliseconds atMost, std::stop_token stop) {
  if (hook.hasExec()) return runCommand(hook.exec(), target, pod, atMost);
  if (hook.hasHttpGet()) {
    HttpAnswer answer = requestHttp(hook.httpGet(), target, atMost);
    if (answer.status != 0) return {true, {}};
    return {false, fmt::format("HTTP lifecycle hook ({}) for Container \"{}\" in Pod \"{}\" failed - error: {}",
                               hook.httpGet().path(), target.container.name(), pod, answer.error)};
  }
  if (hook.hasSleep()) {
    milliseconds asked = std::chrono::seconds(std::max<int64_t>(hook.sleep().seconds(), 0));
    sleepUntilStopped(std::min(asked, atMost), std::move(stop));
    return {true, {}};
  }
  return {false, "cannot run handler: invalid handler"};
}

}  // namespace wherry::kubelet

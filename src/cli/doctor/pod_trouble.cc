#include "cli/doctor/pod_trouble.h"

#include <optional>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::cli {
namespace {

std::string firstLine(std::string_view text) {
  constexpr size_t kMost = 300;
  std::string line(base::trim(text));
  line = line.substr(0, line.find('\n'));
  return line.size() > kMost ? line.substr(0, kMost) + "..." : line;
}

std::string withMessage(std::string text, std::string_view message) {
  return message.empty() ? text : fmt::format("{}: {}", text, firstLine(message));
}

std::optional<core_v1::PodCondition> conditionOf(const core_v1::Pod& pod, std::string_view type) {
  for (auto condition : pod.status().conditions()) {
    if (condition.type() == type) return condition;
  }
  return std::nullopt;
}

std::string_view timeOf(const core_v1::Event& event) {
  return event.lastTimestamp().empty() ? event.eventTime() : event.lastTimestamp();
}

// What the last failing probe that is called so said of the container; nothing when none failed.
std::optional<std::string> lastWords(const core_v1::Pod& pod, std::string_view container, std::string_view probe,
                                     const std::vector<core_v1::Event>& events) {
  const core_v1::Event* last = nullptr;
  std::string prefix = fmt::format("{} probe failed: ", probe);
  std::string path = fmt::format("{{{}}}", container);
  for (const auto& event : events) {
    auto about = event.involvedObject();
    if (event.reason() != "Unhealthy" || about.uid() != pod.metadata().uid()) continue;
    if (!event.message().starts_with(prefix) || !about.fieldPath().ends_with(path)) continue;
    if (!last || timeOf(event) >= timeOf(*last)) last = &event;
  }
  return last ? std::optional(firstLine(last->message().substr(prefix.size()))) : std::nullopt;
}

// A container that has not run, or runs no more; "" when it runs.
std::string whyNotRunning(const core_v1::ContainerStatus& status) {
  auto state = status.state();
  if (auto waiting = state.waiting()) {
    std::string reason(waiting.reason().empty() ? "no reason given" : waiting.reason());
    std::string text = withMessage(fmt::format("container {} waits ({})", status.name(), reason), waiting.message());
    auto before = status.lastState().terminated();
    return before ? fmt::format("{}; it ended with exit code {} last", text, before.exitCode()) : text;
  }
  if (auto ended = state.terminated()) {
    return fmt::format("container {} has ended with exit code {} ({})", status.name(), ended.exitCode(),
                       ended.reason());
  }
  return "";
}

std::string whyProbesFail(const core_v1::Pod& pod, const core_v1::Container& container,
                          const core_v1::ContainerStatus& status, const std::vector<core_v1::Event>& events) {
  bool starting = container.startupProbe() && !status.started();
  if (!starting && !container.readinessProbe()) return "";
  auto words = lastWords(pod, container.name(), starting ? "Startup" : "Readiness", events);
  std::string probe = fmt::format("the {} probe of container {}", starting ? "startup" : "readiness", container.name());
  return words ? fmt::format("{} fails: {}", probe, *words) : probe + " has not succeeded yet";
}

std::string whyContainersAreNotReady(const core_v1::Pod& pod, const std::vector<core_v1::Event>& events) {
  for (auto status : pod.status().initContainerStatuses()) {
    bool done = status.ready() || status.state().terminated().reason() == "Completed";
    if (std::string why = whyNotRunning(status); !why.empty() && !done) return "init " + why;
  }
  for (auto status : pod.status().containerStatuses()) {
    if (status.ready()) continue;
    if (std::string why = whyNotRunning(status); !why.empty()) return why;
    for (auto container : pod.spec().containers()) {
      if (container.name() != status.name()) continue;
      if (std::string why = whyProbesFail(pod, container, status, events); !why.empty()) return why;
    }
  }
  return "";
}

std::string whyGatesAreClosed(const core_v1::Pod& pod) {
  for (auto gate : pod.spec().readinessGates()) {
    auto condition = conditionOf(pod, gate.conditionType());
    if (!condition) return fmt::format("nobody has set its readiness gate {}", gate.conditionType());
    if (condition->status() == "True") continue;
    std::string text = fmt::format("its readiness gate {} is {}", gate.conditionType(), condition->status());
    return withMessage(text, condition->message());
  }
  return "";
}

}  // namespace

std::string whyNotReady(const core_v1::Pod& pod, const std::vector<core_v1::Event>& events) {
  auto status = pod.status();
  if (pod.metadata().deleting()) return "it is terminating: it gets no new connections";
  if (status.phase() == "Succeeded" || status.phase() == "Failed") {
    return withMessage(fmt::format("it has ended ({})", status.phase()),
                       status.message().empty() ? status.reason() : status.message());
  }
  auto scheduled = conditionOf(pod, "PodScheduled");
  if (pod.spec().nodeName().empty()) {
    return withMessage("it is not scheduled to a node", scheduled ? scheduled->message() : "");
  }
  if (std::string why = whyContainersAreNotReady(pod, events); !why.empty()) return why;
  if (std::string why = whyGatesAreClosed(pod); !why.empty()) return why;
  auto ready = conditionOf(pod, "Ready");
  if (ready && !ready->message().empty()) return withMessage(std::string(ready->reason()), ready->message());
  return "its node has not said yet that it is ready";
}

}  // namespace wherry::cli

#include "apiserver/process_options.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "meta/status.h"

namespace wherry::apiserver {
namespace {

std::vector<std::string> namesIn(const json::Value& pod, std::string_view path) {
  std::vector<std::string> names;
  const auto* list = json::find(pod, path);
  if (!list || !list->is_array()) return names;
  for (const auto& container : list->get_array()) names.emplace_back(json::getString(container, "name"));
  return names;
}

json::Value nonZeroExit(const client::ProcessOptions& options, int code) {
  auto message = fmt::format("command terminated with non-zero exit code: error executing command [{}], exit code {}",
                             fmt::join(options.command, " "), code);
  json::Value cause = json::Object{{"reason", "ExitCode"}, {"message", std::to_string(code)}};
  return json::Object{{"metadata", json::Object()},
                      {"status", "Failure"},
                      {"message", message},
                      {"reason", "NonZeroExitCode"},
                      {"details", json::Object{{"causes", json::Array{cause}}}}};
}

constexpr size_t kMaxSizeText = 1024;

std::optional<client::TerminalSize> parseTerminalSize(std::string_view text) {
  try {
    auto tree = json::parse(text);
    int64_t width = json::getInt(tree, "Width", -1), height = json::getInt(tree, "Height", -1);
    auto fits = [](int64_t number) { return number >= 0 && number <= UINT16_MAX; };
    if (!fits(width) || !fits(height)) return std::nullopt;
    return client::TerminalSize{static_cast<uint16_t>(width), static_cast<uint16_t>(height)};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string chooseContainer(const meta::Object& pod, std::string_view wanted) {
  auto own = namesIn(pod.tree(), "spec.containers");
  if (wanted.empty() && own.size() == 1) return own.front();
  std::vector<std::string> all = namesIn(pod.tree(), "spec.initContainers");
  for (const auto& path : {"spec.containers", "spec.ephemeralContainers"}) {
    for (auto& name : namesIn(pod.tree(), path)) all.push_back(std::move(name));
  }
  auto podName = pod.metadata().name();
  if (wanted.empty()) {
    throw meta::badRequest(fmt::format("a container name must be specified for pod {}, choose one of: [{}]", podName,
                                       fmt::join(all, " ")));
  }
  if (std::ranges::find(all, wanted) != all.end()) return std::string(wanted);
  throw meta::badRequest(fmt::format("container {} is not valid for pod {}", wanted, podName));
}

client::ProcessOptions readProcessOptions(ProcessKind kind, const Query& query, std::string container) {
  client::ProcessOptions options;
  options.container = std::move(container);
  options.stdin = query.flag("stdin");
  options.stdout = query.flag("stdout");
  options.tty = query.flag("tty");
  options.stderr = query.flag("stderr") && !options.tty;
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw meta::badRequest("you must specify at least 1 of stdin, stdout, stderr");
  }
  if (kind == ProcessKind::kAttach) return options;
  for (const auto& [name, value] : query.parameters()) {
    if (name == "command") options.command.push_back(value);
  }
  if (options.command.empty()) throw meta::badRequest("you must specify at least one command for the container");
  return options;
}

json::Value processStatus(ProcessKind kind, const client::ProcessOptions& options, const client::ProcessEnd& end) {
  if (!end.error.empty()) {
    auto what =
        kind == ProcessKind::kExec ? "error executing command in container: " : "error attaching to container: ";
    return meta::internalError(what + end.error).toJson();
  }
  // Of a container that was attached to, its status tells how it ended.
  if (kind == ProcessKind::kExec && end.exitCode != 0) return nonZeroExit(options, end.exitCode);
  return json::Object{{"metadata", json::Object()}, {"status", "Success"}};
}

std::string processStatusText(const json::Value& status) {
  if (json::getString(status, "status") == "Success") return "";
  return std::string(json::getString(status, "message"));
}

std::vector<client::TerminalSize> TerminalSizeReader::add(std::string_view text) {
  std::vector<client::TerminalSize> sizes;
  for (char c : text) {
    text_.push_back(c);
    if (c == '}') {
      if (auto size = parseTerminalSize(std::exchange(text_, {}))) sizes.push_back(*size);
    } else if (text_.size() > kMaxSizeText) {
      text_.clear();
    }
  }
  return sizes;
}

}  // namespace wherry::apiserver

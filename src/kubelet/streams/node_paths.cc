#include "kubelet/streams/node_paths.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

constexpr std::string_view kContainerLogs = "/containerLogs/";

std::string decoded(std::string_view text) { return base::decodePercent(text).value_or(std::string(text)); }

bool flagOf(const std::string& value) { return value == "true" || value == "1"; }

int64_t numberOf(std::string_view name, const std::string& value) {
  auto number = base::parseInt<int64_t>(value);
  if (!number || *number < 0) throw meta::badRequest(fmt::format("{}: invalid value \"{}\"", name, value));
  return *number;
}

void setOption(client::LogOptions& options, std::string_view name, const std::string& value) {
  if (name == "follow") options.follow = flagOf(value);
  if (name == "previous") options.previous = flagOf(value);
  if (name == "timestamps") options.timestamps = flagOf(value);
  if (name == "sinceTime") options.sinceTime = value;
  if (name == "sinceSeconds") options.sinceSeconds = numberOf(name, value);
  if (name == "tailLines" || name == "tail") options.tailLines = value == "all" ? -1 : numberOf(name, value);
  if (options.tailLines && *options.tailLines < 0) options.tailLines.reset();
  if (name == "limitBytes") options.limitBytes = numberOf(name, value);
}

}  // namespace

std::optional<ContainerLogPath> parseContainerLogPath(std::string_view path) {
  if (!path.starts_with(kContainerLogs)) return std::nullopt;
  auto parts = base::splitOnce(path.substr(kContainerLogs.size()), '?');
  auto names = base::split(parts ? parts->first : path.substr(kContainerLogs.size()), '/');
  if (names.size() != 3) return std::nullopt;
  ContainerLogPath out{decoded(names[0]), decoded(names[1]), {.container = decoded(names[2])}};
  for (std::string_view field : base::split(parts ? parts->second : std::string_view(), '&')) {
    auto pair = base::splitOnce(field, '=');
    if (pair) setOption(out.options, pair->first, decoded(pair->second));
  }
  return out;
}

}  // namespace wherry::kubelet

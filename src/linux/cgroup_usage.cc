#include "linux/cgroup_usage.h"

#include <string>
#include <system_error>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::linux {
namespace {

// The file of whichever hierarchy has it; "" when none has, or the group went while it was read.
std::string readOf(const Cgroups& cgroups, std::string_view path, std::string_view file) {
  for (const std::string& hierarchy : cgroups.hierarchies) {
    try {
      auto text = base::readFileIfExists(hierarchy + std::string(path) + "/" + std::string(file));
      if (text && !text->empty()) return *text;
    } catch (const std::system_error&) {
    }
  }
  return {};
}

std::optional<uint64_t> numberIn(std::string_view text) { return base::parseInt<uint64_t>(base::trim(text)); }

CgroupUsage usageV1(const Cgroups& cgroups, std::string_view path, uint64_t cpuNanos) {
  std::string memory = readOf(cgroups, path, "memory.usage_in_bytes");
  std::string details = readOf(cgroups, path, "memory.stat");
  return {cpuNanos, numberIn(memory).value_or(0), statOf(details, "total_inactive_file").value_or(0)};
}

CgroupUsage usageV2(const Cgroups& cgroups, std::string_view path, uint64_t cpuNanos) {
  std::string memory = readOf(cgroups, path, "memory.current"), details = readOf(cgroups, path, "memory.stat");
  auto current = numberIn(memory);
  // The root has no memory.current.
  if (!current) current = statOf(details, "anon").value_or(0) + statOf(details, "file").value_or(0);
  return {cpuNanos, *current, statOf(details, "inactive_file").value_or(0)};
}

}  // namespace

std::optional<uint64_t> statOf(std::string_view text, std::string_view key) {
  for (std::string_view line : base::split(text, '\n')) {
    auto fields = base::splitOnce(line, ' ');
    if (fields && fields->first == key) return numberIn(fields->second);
  }
  return std::nullopt;
}

std::optional<CgroupUsage> readCgroupUsage(const Cgroups& cgroups, std::string_view path) {
  if (cgroups.version == CgroupVersion::kV1) {
    std::string cpu = readOf(cgroups, path, "cpuacct.usage");
    auto nanos = numberIn(cpu);
    return nanos ? std::optional(usageV1(cgroups, path, *nanos)) : std::nullopt;
  }
  std::string cpu = readOf(cgroups, path, "cpu.stat");
  auto micros = statOf(cpu, "usage_usec");
  return micros ? std::optional(usageV2(cgroups, path, *micros * 1000)) : std::nullopt;
}

}  // namespace wherry::linux

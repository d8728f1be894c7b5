// What a control group has used, of both versions. Stateless; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "linux/cgroups.h"

namespace wherry::linux {

struct CgroupUsage {
  uint64_t cpuNanos = 0;      // since the group was made
  uint64_t memory = 0;        // bytes, with all caches
  uint64_t inactiveFile = 0;  // bytes of caches that are given up first

  // What can't be had back without harm: as Kubernetes counts it.
  uint64_t workingSet() const { return memory > inactiveFile ? memory - inactiveFile : 0; }
};

// Nothing when there is no such group. "" is all that runs on the machine.
std::optional<CgroupUsage> readCgroupUsage(const Cgroups& cgroups, std::string_view path);

// The number beside `key` in a file of lines "key number"; nothing when it isn't there. Pure.
std::optional<uint64_t> statOf(std::string_view text, std::string_view key);

}  // namespace wherry::linux

#include "kubelet/streams/node_usage.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/strings.h"
#include "linux/cgroup_usage.h"
#include "meta/time.h"
#include "views/core_v1.h"

namespace wherry::kubelet {
namespace {

struct Machine {
  std::chrono::seconds uptime{0};
  uint64_t memory = 0;
};

Machine readUptimeAndMemory() {
  struct sysinfo info {};
  ::sysinfo(&info);
  return {std::chrono::seconds(info.uptime), static_cast<uint64_t>(info.totalram) * info.mem_unit};
}

client::Usage toUsage(const Measure& measure, base::WallTime at) {
  return {at, std::chrono::duration_cast<std::chrono::milliseconds>(measure.cpu.window), measure.cpu.nanocores,
          measure.workingSet};
}

}  // namespace

Measure PodMeasure::total() const {
  Measure sum{.name = name, .startedAt = startedAt};
  for (const Measure& container : containers) {
    sum.cpuNanos += container.cpuNanos;
    sum.cpu.nanocores += container.cpu.nanocores;
    sum.memory += container.memory;
    sum.workingSet += container.workingSet;
  }
  return sum;
}

Measure NodeUsageReader::measure(const std::string& name, const std::string& key, std::string_view cgroup,
                                 base::WallTime startedAt, base::WallTime now) {
  auto usage = linux::readCgroupUsage(containers_.crun().cgroups(), cgroup).value_or(linux::CgroupUsage{});
  return {.name = name,
          .startedAt = startedAt,
          .cpuNanos = usage.cpuNanos,
          .cpu = rates_.rate(key, usage.cpuNanos, startedAt, now),
          .memory = usage.memory,
          .workingSet = usage.workingSet()};
}

NodeMeasure NodeUsageReader::read(const std::vector<meta::ObjectPtr>& pods) {
  Machine machine = readUptimeAndMemory();
  base::WallTime now = clock_.now();
  NodeMeasure out{.at = now, .memoryCapacity = machine.memory};
  out.node = measure(nodeName_, "", "", now - machine.uptime, now);
  for (const meta::ObjectPtr& object : pods) {
    auto metadata = object->metadata();
    PodMeasure pod{std::string(metadata.ns()), std::string(metadata.name()), std::string(metadata.uid()), {}, {}};
    pod.startedAt = meta::parseTime(core_v1::Pod(object).status().startTime()).value_or(now);
    PodPaths paths = containers_.pathsOf(pod.uid);
    for (const ContainerRecord& record : containers_.list(pod.uid)) {
      if (record.state() != ContainerRecord::State::kRunning) continue;
      pod.containers.push_back(measure(record.name, record.id(), paths.containerCgroup(record.name, record.attempt),
                                       *record.startedAt, now));
    }
    if (!pod.containers.empty()) out.pods.push_back(std::move(pod));
  }
  rates_.forget();
  return out;
}

client::NodeUsage toNodeUsage(const NodeMeasure& measure) {
  client::NodeUsage out{toUsage(measure.node, measure.at), {}};
  for (const PodMeasure& pod : measure.pods) {
    client::PodUsage usage{pod.ns, pod.name, {}};
    for (const Measure& container : pod.containers) {
      usage.containers.push_back({container.name, toUsage(container, measure.at)});
    }
    out.pods.push_back(std::move(usage));
  }
  return out;
}

ProcessMeasure readProcessMeasure() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  ProcessMeasure out{.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  // proc(5), statm: "size resident ...", in pages.
  std::string statm = base::readFileIfExists("/proc/self/statm").value_or("");
  auto fields = base::split(statm, ' ');
  if (fields.size() > 1) {
    out.residentBytes =
        base::parseInt<uint64_t>(fields[1]).value_or(0) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::error_code error;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    ++out.openDescriptors;
  }
  return out;
}

}  // namespace wherry::kubelet

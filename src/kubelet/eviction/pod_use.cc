#include "kubelet/eviction/pod_use.h"

#include "kubelet/volumes/usage.h"
#include "linux/cgroup_usage.h"

namespace wherry::kubelet {

namespace {

void addMemory(const std::string& uid, const Containers& containers, PodUse& use) {
  const PodPaths paths = containers.pathsOf(uid);
  for (const ContainerRecord& record : containers.list(uid)) {
    if (record.state() != ContainerRecord::State::kRunning) continue;
    const auto cgroup = paths.containerCgroup(record.name, record.attempt);
    const auto usage = linux::readCgroupUsage(containers.crun().cgroups(), cgroup);
    if (usage) use.containers[record.name].memory += static_cast<int64_t>(usage->workingSet());
  }
  use.processes = static_cast<int64_t>(linux::cgroupProcesses(containers.crun().cgroups(), paths.cgroup).size());
}

void addDisk(const EphemeralUsage& usage, PodUse& use) {
  const DiskUsage all = usage.onDisk(use.pod);
  auto volumes = static_cast<int64_t>(all.bytes);
  for (const auto* part : {&usage.layers, &usage.logs}) {
    for (const auto& [name, taken] : *part) {
      use.containers[name].disk += static_cast<int64_t>(taken.bytes);
      volumes -= static_cast<int64_t>(taken.bytes);
    }
  }
  use.volumes = volumes;
  use.inodes = static_cast<int64_t>(all.inodes);
}

}  // namespace

PodUse readPodUse(const core_v1::Pod& pod, const Containers& containers, const std::string& logDir,
                  NodePressureOptions::Measure what) {
  PodUse use{.pod = pod};
  const auto metadata = pod.metadata();
  addMemory(std::string(metadata.uid()), containers, use);
  if (what == NodePressureOptions::Measure::kDisk) {
    const auto logs = podLogDirectory(logDir, metadata.ns(), metadata.name(), metadata.uid());
    addDisk(measureEphemeral(pod, containers.pathsOf(metadata.uid()), logs), use);
  }
  return use;
}

}  // namespace wherry::kubelet

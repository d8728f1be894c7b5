// What the node, its pods and their containers use: the kernel's counters at the call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/node_connection.h"
#include "json/value.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/streams/cpu_rate.h"
#include "meta/object.h"

namespace wherry::kubelet {

struct Measure {
  std::string name;
  base::WallTime startedAt;  // since when cpuNanos counts
  uint64_t cpuNanos = 0;
  CpuRate cpu;
  uint64_t memory = 0;      // bytes, with all caches
  uint64_t workingSet = 0;  // bytes
};

struct PodMeasure {
  std::string ns, name, uid;
  base::WallTime startedAt;
  std::vector<Measure> containers;  // those that run
  json::Array volumes{};            // renderVolumeStats(), where somebody wants to know
  Measure total() const;
};

struct NodeMeasure {
  base::WallTime at;
  Measure node;
  uint64_t memoryCapacity = 0;  // bytes
  std::vector<PodMeasure> pods;
};

// Safe from any thread.
class NodeUsageReader {
 public:
  NodeUsageReader(std::string nodeName, const Containers& containers, const base::Clock& clock)
      : nodeName_(std::move(nodeName)), containers_(containers), clock_(clock) {}

  NodeMeasure read(const std::vector<meta::ObjectPtr>& pods);

 private:
  Measure measure(const std::string& name, const std::string& key, std::string_view cgroup, base::WallTime startedAt,
                  base::WallTime now);

  const std::string nodeName_;
  const Containers& containers_;
  const base::Clock& clock_;
  CpuRates rates_;
};

// What the API asks for. Pure, as all below.
client::NodeUsage toNodeUsage(const NodeMeasure& measure);
// /stats/summary (stats.k8s.io v1alpha1).
json::Value renderSummary(const NodeMeasure& measure);
// /metrics/resource, in the text format of Prometheus.
std::string renderResourceMetrics(const NodeMeasure& measure);
// /metrics: how much of the node runs, and what this process itself takes.
struct ProcessMeasure {
  double cpuSeconds = 0;
  uint64_t residentBytes = 0;
  uint64_t openDescriptors = 0;
};
ProcessMeasure readProcessMeasure();
std::string renderKubeletMetrics(const NodeMeasure& measure, const ProcessMeasure& process);

}  // namespace wherry::kubelet

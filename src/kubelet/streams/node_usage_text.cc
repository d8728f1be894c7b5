// How the node's usage is written down.
#include <fmt/format.h>

#include "kubelet/streams/node_usage.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

json::Object renderMeasure(const Measure& measure, base::WallTime at) {
  std::string time = meta::formatTime(at);
  return {{"startTime", meta::formatTime(measure.startedAt)},
          {"cpu",
           json::Object{
               {"time", time}, {"usageNanoCores", measure.cpu.nanocores}, {"usageCoreNanoSeconds", measure.cpuNanos}}},
          {"memory",
           json::Object{{"time", time}, {"usageBytes", measure.memory}, {"workingSetBytes", measure.workingSet}}}};
}

double secondsOf(uint64_t nanos) { return static_cast<double>(nanos) / 1e9; }

double epochSeconds(base::WallTime time) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()) /
         1e3;
}

// One metric of the text format: its head, then its lines.
class Metric {
 public:
  Metric(std::string& out, const char* name, const char* type, const char* help) : out_(out), name_(name) {
    out_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  template <typename Number>
  void add(const std::string& labels, Number value) {
    out_ += labels.empty() ? fmt::format("{} {}\n", name_, value) : fmt::format("{}{{{}}} {}\n", name_, labels, value);
  }

 private:
  std::string& out_;
  const char* name_;
};

std::string podLabels(const PodMeasure& pod) { return fmt::format("namespace=\"{}\",pod=\"{}\"", pod.ns, pod.name); }

template <typename Value>
void addContainers(Metric metric, const NodeMeasure& measure, Value value) {
  for (const PodMeasure& pod : measure.pods) {
    for (const Measure& container : pod.containers) {
      metric.add(fmt::format("container=\"{}\",{}", container.name, podLabels(pod)), value(container));
    }
  }
}

}  // namespace

json::Value renderSummary(const NodeMeasure& measure) {
  json::Object node = renderMeasure(measure.node, measure.at);
  node["nodeName"] = measure.node.name;
  uint64_t used = std::min(measure.node.workingSet, measure.memoryCapacity);
  node["memory"].get_object()["availableBytes"] = measure.memoryCapacity - used;
  json::Array pods;
  for (const PodMeasure& pod : measure.pods) {
    json::Object entry = renderMeasure(pod.total(), measure.at);
    entry["podRef"] = json::Object{{"name", pod.name}, {"namespace", pod.ns}, {"uid", pod.uid}};
    json::Array containers;
    for (const Measure& container : pod.containers) {
      json::Object part = renderMeasure(container, measure.at);
      part["name"] = container.name;
      containers.push_back(std::move(part));
    }
    entry["containers"] = std::move(containers);
    if (!pod.volumes.empty()) entry["volume"] = pod.volumes;
    pods.push_back(std::move(entry));
  }
  return json::Object{{"node", std::move(node)}, {"pods", std::move(pods)}};
}

std::string renderResourceMetrics(const NodeMeasure& measure) {
  std::string out;
  addContainers({out, "container_cpu_usage_seconds_total", "counter",
                 "[STABLE] Cumulative cpu time consumed by the container in core-seconds"},
                measure, [](const Measure& container) { return secondsOf(container.cpuNanos); });
  addContainers(
      {out, "container_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the container in bytes"},
      measure, [](const Measure& container) { return container.workingSet; });
  addContainers({out, "container_start_time_seconds", "gauge",
                 "[STABLE] Start time of the container since unix epoch in seconds"},
                measure, [](const Measure& container) { return epochSeconds(container.startedAt); });
  Metric(out, "node_cpu_usage_seconds_total", "counter",
         "[STABLE] Cumulative cpu time consumed by the node in core-seconds")
      .add("", secondsOf(measure.node.cpuNanos));
  Metric(out, "node_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the node in bytes")
      .add("", measure.node.workingSet);
  Metric podCpu(out, "pod_cpu_usage_seconds_total", "counter",
                "[STABLE] Cumulative cpu time consumed by the pod in core-seconds");
  for (const PodMeasure& pod : measure.pods) podCpu.add(podLabels(pod), secondsOf(pod.total().cpuNanos));
  Metric podMemory(out, "pod_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the pod in bytes");
  for (const PodMeasure& pod : measure.pods) podMemory.add(podLabels(pod), pod.total().workingSet);
  Metric(out, "resource_scrape_error", "gauge",
         "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise")
      .add("", 0);
  return out;
}

std::string renderKubeletMetrics(const NodeMeasure& measure, const ProcessMeasure& process) {
  std::string out;
  size_t containers = 0;
  for (const PodMeasure& pod : measure.pods) containers += pod.containers.size();
  Metric(out, "kubelet_node_name", "gauge", "[ALPHA] The node's name. The count is always 1.")
      .add(fmt::format("node=\"{}\"", measure.node.name), 1);
  Metric(out, "kubelet_running_containers", "gauge", "[ALPHA] Number of containers currently running")
      .add("container_state=\"running\"", containers);
  Metric(out, "kubelet_running_pods", "gauge", "[ALPHA] Number of pods that have a running pod sandbox")
      .add("", measure.pods.size());
  Metric(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.")
      .add("", process.cpuSeconds);
  Metric(out, "process_open_fds", "gauge", "Number of open file descriptors.").add("", process.openDescriptors);
  Metric(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")
      .add("", process.residentBytes);
  return out;
}

}  // namespace wherry::kubelet

// PodEviction: what NodePressure looks at and does: the pods of this node that can be given up, what they take, and how
// one is. Reads records and walks directories: takes as long as pods have files. Safe from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/event_recorder.h"
#include "kubelet/eviction/node_pressure.h"
#include "kubelet/pods/pod_holdings.h"

namespace wherry::kubelet {

struct PodEvictionOptions {
  std::function<std::vector<meta::ObjectPtr>()> pods;  // of this node, each with the uid that it has here
  PodHoldings holdings;
  std::string logDir;  // of all pods
  client::EventRecorder& events;
  std::function<void(const std::string& uid, PodEnd end)> end;
};

class PodEviction {
 public:
  explicit PodEviction(PodEvictionOptions options) : options_(std::move(options)) {}

  // Those that hold something of what is short. One that crashes again and again runs at few moments, and its files are
  // there at all.
  std::vector<PodUse> candidates(NodePressureOptions::Measure what) const;

  void evict(const core_v1::Pod& pod, PodEnd end) const;

  // Evicts who takes more of the disk than it may. What all that have such limits take; nothing where none has.
  std::optional<int64_t> enforceLimits() const;

 private:
  PodEvictionOptions options_;
};

}  // namespace wherry::kubelet

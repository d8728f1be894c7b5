// NodeShutdown: ends the pods of this node when the machine goes down, group after group (shutdown_plan.h), and waits
// until nothing of them is left that the machine would tear away: no container runs, no volume is mounted. Safe from
// any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/published.h"
#include "kubelet/shutdown/shutdown_plan.h"

namespace wherry::kubelet {

struct NodeShutdownOptions {
  ShutdownPeriods periods;
  std::function<std::vector<meta::ObjectPtr>()> pods;  // of this node, each with the uid that it has here
  std::function<void(const std::string& uid, PodEnd end)> end;
  std::function<bool(const std::string& uid)> holds;  // the pod still has containers, or volumes
  std::function<void()> onBegin;
};

class NodeShutdown {
 public:
  explicit NodeShutdown(NodeShutdownOptions options) : options_(std::move(options)) {}

  // Returns when the pods are gone or their time is over. Whoever asks again waits for the same.
  void run();
  bool begun() const { return begun_; }
  // A pod may hold nothing any more.
  void check();

 private:
  void waitFor(const std::vector<core_v1::Pod>& pods, std::chrono::seconds time);

  NodeShutdownOptions options_;
  std::atomic<bool> begun_{false};
  std::atomic<uint64_t> count_{0};
  base::Published<uint64_t> checks_;
};

}  // namespace wherry::kubelet

// NodePressure: looks at what the node has left whenever that may have become little, says so in the Node's conditions,
// and gives up pods until there is enough again, one at a time (thresholds.h, pod_ranking.h).
//
// Looks are caused by the kernel, when programs have to wait for memory or the disk (linux/pressure.h), by check(), and
// by deadlines: a grace or transition period, and ten seconds while the node is under pressure. On a node that has
// enough nothing looks, unless pods have limits of their own on the disk: what those take is measured every ten seconds
// while it changes, down to every two minutes while it doesn't. docs/decisions/026-node-pressure.md
//
// Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kubelet/eviction/pod_ranking.h"
#include "kubelet/eviction/thresholds.h"
#include "kubelet/pods/observation.h"

namespace wherry::kubelet {

struct NodePressureOptions {
  EvictionSettings settings;
  std::function<Supplies()> measure;
  // The pods that may be given up and have not been. `disk`: with what they take of it, which takes time to find out.
  enum class Measure { kMemory, kDisk };
  std::function<std::vector<PodUse>(Measure what)> pods;
  // The pod still has containers, or files that go with it.
  std::function<bool(const std::string& uid)> holds;
  // Frees so many bytes of the disk that no pod needs.
  std::function<void(uint64_t bytes)> makeRoom;
  std::function<void(const PodUse& pod, PodEnd end)> evict;
  // Evicts the pods that take more of the disk than they may. What all that have such limits take; nothing where none
  // has.
  std::function<std::optional<int64_t>()> enforceLimits;
  // The Node's conditions have changed.
  std::function<void()> onConditions;
  // An event about the node: a resource is to be reclaimed.
  std::function<void(const std::string& message)> tell;
  const base::Clock& clock;
};

class NodePressure {
 public:
  explicit NodePressure(NodePressureOptions options);
  ~NodePressure();  // as stop()

  void start();
  void stop();
  void check();  // soon, on its own thread
  std::set<std::string> conditions() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

#include <algorithm>

#include "controllers/controller_revision.h"
#include "controllers/daemon_set.h"
#include "controllers/daemon_set_nodes.h"
#include "controllers/number_or_percent.h"
#include "controllers/pod_state.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

using apps_v1::DaemonSet;
using core_v1::Node;
using core_v1::Pod;

namespace {

int64_t share(const json::Value* numberOrPercent, int64_t total, int64_t otherwise) {
  return numberOrPercent ? resolveNumberOrPercent(*numberOrPercent, total, Rounding::kUp) : otherwise;
}

// The pods of one node that are not being deleted, by their template.
struct Pair {
  std::optional<Pod> updated, old;
  bool crowded = false;  // more than one of either: keeping one a node comes first
};

// One look at a set, its pods and the nodes.
class Round {
 public:
  Round(const DaemonSet& set, const std::vector<Pod>& pods, const std::vector<Node>& nodes, std::string_view hash,
        const FailureWait& failureWait, base::WallTime now)
      : set_(set), hash_(hash), failureWait_(failureWait), now_(now), pods_(podsByNode(pods)) {
    const DaemonPlacement placement(set);
    for (const Node& node : nodes) verdicts_.emplace(node.metadata().name(), placement.on(node));
    surges_ = share(rolling().maxSurge(), 1, 0) > 0;
  }

  DaemonActions decide() && {
    for (const auto& [node, verdict] : verdicts_) keep(node, verdict);
    removeOfNoNode();
    const bool settled = actions_.create.empty() && actions_.remove.empty();
    if (settled && set_.spec().updateStrategy().type() != "OnDelete") roll();
    if (actions_.create.size() > kDaemonSetBurst) actions_.create.resize(kDaemonSetBurst);
    if (actions_.remove.size() > kDaemonSetBurst) actions_.remove.resize(kDaemonSetBurst);
    waitForAvailability();
    return std::move(actions_);
  }

 private:
  apps_v1::RollingUpdateDaemonSet rolling() const {
    const auto strategy = set_.spec().updateStrategy();
    return strategy.type() == "OnDelete" ? apps_v1::RollingUpdateDaemonSet() : strategy.rollingUpdate();
  }

  // -- one pod a node ----------------------------------------------------------------------------------------------

  void keep(const std::string& node, const DaemonPlacement::Verdict& verdict) {
    const auto at = pods_.find(node);
    if (at == pods_.end()) {
      if (verdict.run) actions_.create.push_back(node);
    } else if (verdict.stay) {
      keepOne(node, at->second, verdict.run);
    } else {
      for (const Pod& pod : at->second) remove(pod);
    }
  }

  void keepOne(const std::string& node, const std::vector<Pod>& pods, bool run) {
    std::vector<Pod> running;
    for (const Pod& pod : pods) {
      if (pod.metadata().deleting()) continue;
      if (isTerminal(pod)) {
        removeEnded(node, pod);
      } else {
        running.push_back(pod);
      }
    }
    if (!surges_) {
      for (size_t i = 1; i < running.size(); ++i) remove(running[i]);
    } else if (running.empty()) {
      if (run) actions_.create.push_back(node);  // beside the one that goes
    } else if (running.size() > 1) {
      keepPair(running);
    }
  }

  // Where the kubelet refuses a pod again and again, each attempt waits longer.
  void removeEnded(std::string_view node, const Pod& pod) {
    const auto until = pod.status().phase() == "Failed" ? failureWait_(node) : std::nullopt;
    if (until && *until > now_) return comeBack(*until);
    remove(pod);
  }

  // While a node surges: its oldest old pod as long as it serves and the oldest new one doesn't yet.
  void keepPair(const std::vector<Pod>& running) {
    std::optional<Pod> updated, old;
    for (const Pod& pod : running) {
      auto& oldest = pod.metadata().label(kRevisionLabel) == hash_ ? updated : old;
      if (oldest) {
        remove(pod);
      } else {
        oldest = pod;
      }
    }
    if (updated && old && (!isReady(*old) || isUp(*updated))) remove(*old);
  }

  // The scheduler can't place them and nobody else deletes them.
  void removeOfNoNode() {
    for (const auto& [node, pods] : pods_) {
      if (verdicts_.contains(node)) continue;
      for (const Pod& pod : pods) {
        if (pod.spec().nodeName().empty()) remove(pod);
      }
    }
  }

  // -- rolling update ----------------------------------------------------------------------------------------------

  void roll() {
    int64_t desired = 0;
    for (const auto& [node, verdict] : verdicts_) {
      if (!verdict.run) continue;
      ++desired;
      pods_.try_emplace(node);
    }
    int64_t maxUnavailable = share(rolling().maxUnavailable(), desired, 1);
    const int64_t maxSurge = share(rolling().maxSurge(), desired, 0);
    if (maxUnavailable == 0 && maxSurge == 0) maxUnavailable = 1;
    if (maxSurge == 0) {
      replace(maxUnavailable);
    } else {
      surge(maxSurge, desired);
    }
  }

  // Removes old pods, whose nodes get new ones next time. Those that serve nobody don't count.
  void replace(int64_t maxUnavailable) {
    std::vector<Pod> candidates;
    int64_t room = maxUnavailable;
    for (const auto& [node, pods] : pods_) {
      const Pair pair = pairOf(pods);
      const bool one = !pair.crowded && pair.updated.has_value() != pair.old.has_value();
      if (!one || (pair.updated && !isUp(*pair.updated))) {
        --room;
      } else if (pair.old && isUp(*pair.old)) {
        candidates.push_back(*pair.old);
      } else if (pair.old) {
        remove(*pair.old);
      }
    }
    for (const Pod& pod : candidates) {
      if (room-- <= 0) break;
      remove(pod);
    }
  }

  // Makes new pods beside old ones, and removes the old ones once the new ones serve.
  void surge(int64_t maxSurge, int64_t desired) {
    std::vector<std::string> candidates;
    std::vector<Pod> misplaced;
    int64_t room = maxSurge, available = 0;
    for (const auto& [node, pods] : pods_) {
      const Pair pair = pairOf(pods);
      if (pair.crowded) {
        --room;
        continue;
      }
      const auto& first = pair.old ? pair.old : pair.updated;
      if (first && isUp(*first)) ++available;
      if (!pair.old) continue;
      if (pair.updated) {
        if (isUp(*pair.updated)) {
          remove(*pair.old);
        } else {
          --room;
        }
      } else if (!runsOn(node)) {
        misplaced.push_back(*pair.old);
      } else if (isUp(*pair.old)) {
        candidates.push_back(node);
      } else {
        actions_.create.push_back(node);
      }
    }
    for (const auto& node : candidates) {
      if (room-- <= 0) break;
      actions_.create.push_back(node);
    }
    // Whose node may have no pod any more waits until enough others serve.
    for (const Pod& pod : misplaced) {
      if (available-- <= desired) break;
      remove(pod);
    }
  }

  bool runsOn(const std::string& node) const {
    const auto at = verdicts_.find(node);
    return at != verdicts_.end() && at->second.run;
  }

  Pair pairOf(const std::vector<Pod>& pods) const {
    Pair pair;
    for (const Pod& pod : pods) {
      if (pod.metadata().deleting()) continue;
      auto& place = isUpdated(set_, pod, hash_) ? pair.updated : pair.old;
      if (place) pair.crowded = true;
      place = pod;
    }
    return pair;
  }

  // ----------------------------------------------------------------------------------------------------------------

  bool isUp(const Pod& pod) const { return isAvailable(pod, set_.spec().minReadySeconds(), now_); }

  void waitForAvailability() {
    for (const auto& [node, pods] : pods_) {
      for (const Pod& pod : pods) {
        if (const auto at = availableAt(pod, set_.spec().minReadySeconds(), now_)) comeBack(*at);
      }
    }
  }

  void comeBack(base::WallTime at) {
    if (!actions_.again || at < *actions_.again) actions_.again = at;
  }

  void remove(const Pod& pod) {
    if (!pod.metadata().deleting()) actions_.remove.push_back(pod);
  }

  const DaemonSet& set_;
  std::string_view hash_;
  const FailureWait& failureWait_;
  base::WallTime now_;
  PodsByNode pods_;
  std::map<std::string, DaemonPlacement::Verdict, std::less<>> verdicts_;
  bool surges_ = false;
  DaemonActions actions_;
};

}  // namespace

DaemonActions decideDaemonSet(const DaemonSet& set, const std::vector<Pod>& pods, const std::vector<Node>& nodes,
                              std::string_view hash, const FailureWait& failureWait, base::WallTime now) {
  return Round(set, pods, nodes, hash, failureWait, now).decide();
}

json::Object decideDaemonSetStatus(const DaemonSet& set, const std::vector<Pod>& pods, const std::vector<Node>& nodes,
                                   std::string_view hash, int64_t collisionCount, base::WallTime now) {
  const DaemonPlacement placement(set);
  const PodsByNode byNode = podsByNode(pods);
  int64_t desired = 0, current = 0, misscheduled = 0, ready = 0, available = 0, updated = 0;
  for (const Node& node : nodes) {
    const auto at = byNode.find(node.metadata().name());
    const bool run = placement.on(node).run;
    if (run) ++desired;
    if (at == byNode.end()) continue;
    ++(run ? current : misscheduled);
    if (!run) continue;
    const Pod& oldest = at->second.front();
    if (isReady(oldest)) ++ready;
    if (isAvailable(oldest, set.spec().minReadySeconds(), now)) ++available;
    if (isUpdated(set, oldest, hash)) ++updated;
  }
  json::Object status = set.status().tree();
  status["currentNumberScheduled"] = current;
  status["numberMisscheduled"] = misscheduled;
  status["desiredNumberScheduled"] = desired;
  status["numberReady"] = ready;
  status["observedGeneration"] = set.metadata().generation();
  setCount(status, "updatedNumberScheduled", updated);
  setCount(status, "numberAvailable", available);
  setCount(status, "numberUnavailable", desired - available);
  if (collisionCount > 0) status["collisionCount"] = collisionCount;
  return status;
}

}  // namespace wherry::controllers

// In which order a ReplicaSet gives up its pods.
#include <algorithm>
#include <bit>
#include <tuple>

#include "base/strings.h"
#include "controllers/pod_state.h"
#include "controllers/replica_set.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using core_v1::Pod;

// All that counts for a pod's place in the row, the first to go having the least.
struct Rank {
  bool assigned;
  int phase;  // pending, unknown, running
  bool ready;
  int32_t deletionCost;
  int64_t crowd;           // negative: the more pods on its node, the earlier it goes
  int64_t readyMagnitude;  // of the seconds it has been ready
  int64_t restarts;        // negative
  int64_t ageMagnitude;
  std::string_view uid;

  auto key() const {
    return std::tie(assigned, phase, ready, deletionCost, crowd, readyMagnitude, restarts, ageMagnitude, uid);
  }
};

int phaseRank(std::string_view phase) {
  if (phase == "Running") return 2;
  if (phase == "Unknown") return 1;
  return 0;
}

int32_t deletionCost(const Pod& pod) {
  const auto text = pod.metadata().annotation("controller.kubernetes.io/pod-deletion-cost");
  return base::parseInt<int32_t>(text).value_or(0);
}

int64_t restarts(const Pod& pod) {
  int64_t most = 0;
  for (const auto status : pod.status().containerStatuses()) most = std::max(most, status.restartCount());
  return most;
}

// The binary logarithm of a time span: pods of about the same age are the same, so that no zone or node is preferred.
int64_t magnitude(std::optional<base::WallTime> since, base::WallTime now) {
  if (!since || *since > now) return 0;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *since).count();
  return std::bit_width(static_cast<uint64_t>(seconds));
}

Rank rankOf(const Pod& pod, const PodsOnNode& podsOnNode, base::WallTime now) {
  const bool ready = isReady(pod);
  const auto node = pod.spec().nodeName();
  return {.assigned = !node.empty(),
          .phase = phaseRank(pod.status().phase()),
          .ready = ready,
          .deletionCost = deletionCost(pod),
          .crowd = node.empty() ? 0 : -podsOnNode(node),
          .readyMagnitude = ready ? magnitude(readySince(pod), now) : 0,
          .restarts = -restarts(pod),
          .ageMagnitude = magnitude(meta::parseTime(pod.metadata().creationTimestamp()), now),
          .uid = pod.metadata().uid()};
}

}  // namespace

void sortForDeletion(std::vector<Pod>& pods, const PodsOnNode& podsOnNode, base::WallTime now) {
  std::vector<std::pair<Rank, Pod>> ranked;
  for (const auto& pod : pods) ranked.emplace_back(rankOf(pod, podsOnNode, now), pod);
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first.key() < b.first.key(); });
  for (size_t i = 0; i < pods.size(); ++i) pods[i] = std::move(ranked[i].second);
}

}  // namespace wherry::controllers

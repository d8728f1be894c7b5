#include <algorithm>
#include <map>

#include "base/strings.h"
#include "controllers/controller_revision.h"
#include "controllers/number_or_percent.h"
#include "controllers/pod_state.h"
#include "controllers/stateful_set.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

using apps_v1::StatefulSet;
using core_v1::Pod;

namespace {

bool isOrdered(const StatefulSet& set) { return set.spec().podManagementPolicy() != "Parallel"; }
bool isRolling(const StatefulSet& set) { return set.spec().updateStrategy().type() != "OnDelete"; }
int64_t firstOrdinal(const StatefulSet& set) { return set.spec().ordinals().start(); }
int64_t endOrdinal(const StatefulSet& set) { return firstOrdinal(set) + set.spec().replicasOr(1); }
// Pods from here on are brought to the update revision; all of them where nothing rolls.
int64_t partitionOrdinal(const StatefulSet& set) {
  return firstOrdinal(set) + (isRolling(set) ? set.spec().updateStrategy().rollingUpdate().partition() : 0);
}

int64_t maxUnavailable(const StatefulSet& set) {
  const auto* most = set.spec().updateStrategy().rollingUpdate().maxUnavailable();
  if (!most) return 1;
  return std::max<int64_t>(1, resolveNumberOrPercent(*most, set.spec().replicasOr(1), Rounding::kDown));
}

std::string_view revisionOf(const Pod& pod) { return pod.metadata().label(kRevisionLabel); }

// One look at a set and its pods. Each step says whether the next one may be taken.
class Round {
 public:
  Round(const StatefulSet& set, const std::vector<Pod>& pods, const StatefulRevisions& revisions, base::WallTime now)
      : set_(set), revisions_(revisions), now_(now) {
    for (const Pod& pod : pods) {
      const auto ordinal = ordinalOf(set.metadata().name(), pod.metadata().name());
      if (ordinal) (isWanted(*ordinal) ? wanted_ : excess_).emplace(*ordinal, pod);
    }
  }

  StatefulActions decide() && {
    if (!set_.metadata().deleting() && bringUp() && endExcess() && isRolling(set_)) roll();
    return std::move(actions_);
  }

 private:
  bool isWanted(int64_t ordinal) const { return ordinal >= firstOrdinal(set_) && ordinal < endOrdinal(set_); }

  bool bringUp() {
    for (int64_t ordinal = firstOrdinal(set_); ordinal < endOrdinal(set_); ++ordinal) {
      const auto at = wanted_.find(ordinal);
      const bool up = at == wanted_.end() ? create(ordinal) : keep(ordinal, at->second);
      if (!up && isOrdered(set_)) return false;
    }
    return true;
  }

  bool create(int64_t ordinal) {
    const bool old = ordinal < partitionOrdinal(set_);
    actions_.create.push_back({ordinal, old ? StatefulActions::From::kCurrent : StatefulActions::From::kUpdate});
    return false;
  }

  bool keep(int64_t ordinal, const Pod& pod) {
    if (pod.metadata().deleting()) return false;
    if (isTerminal(pod)) return remove(pod);  // and made anew once it is gone
    if (isUp(pod)) return true;
    if (isOrdered(set_) && isRolling(set_) && isOutdated(ordinal, pod) && !isReady(pod)) return remove(pod);
    return false;
  }

  bool endExcess() {
    for (auto at = excess_.rbegin(); at != excess_.rend(); ++at) {
      if (!at->second.metadata().deleting()) remove(at->second);
      if (isOrdered(set_)) return false;
    }
    return true;
  }

  // From the last to the first; those that serve nobody don't count.
  void roll() {
    int64_t room = maxUnavailable(set_) - unavailable();
    for (auto at = wanted_.rbegin(); at != wanted_.rend(); ++at) {
      const auto& [ordinal, pod] = *at;
      if (!isOutdated(ordinal, pod) || !isActive(pod)) continue;
      const bool up = isUp(pod);
      if (up && room <= 0) continue;
      if (up) --room;
      remove(pod);
    }
  }

  int64_t unavailable() {
    const auto up =
        std::count_if(wanted_.begin(), wanted_.end(), [&](const auto& entry) { return isUp(entry.second); });
    return set_.spec().replicasOr(1) - up;
  }

  bool isOutdated(int64_t ordinal, const Pod& pod) const {
    return ordinal >= partitionOrdinal(set_) && revisionOf(pod) != revisions_.update;
  }

  bool isUp(const Pod& pod) {
    if (!isActive(pod)) return false;
    const int64_t seconds = set_.spec().minReadySeconds();
    if (isAvailable(pod, seconds, now_)) return true;
    const auto at = availableAt(pod, seconds, now_);
    if (at && (!actions_.again || *at < *actions_.again)) actions_.again = at;
    return false;
  }

  bool remove(const Pod& pod) {
    actions_.remove.push_back(pod);
    return false;
  }

  const StatefulSet& set_;
  const StatefulRevisions& revisions_;
  base::WallTime now_;
  std::map<int64_t, Pod> wanted_, excess_;
  StatefulActions actions_;
};

}  // namespace

std::optional<int64_t> ordinalOf(std::string_view set, std::string_view pod) {
  if (!pod.starts_with(set) || pod.size() < set.size() + 2 || pod[set.size()] != '-') return std::nullopt;
  const std::string_view digits = pod.substr(set.size() + 1);
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
  const auto ordinal = base::parseInt<int32_t>(digits);
  return ordinal && *ordinal >= 0 ? std::optional<int64_t>(*ordinal) : std::nullopt;
}

StatefulActions decideStatefulSet(const StatefulSet& set, const std::vector<Pod>& pods,
                                  const StatefulRevisions& revisions, base::WallTime now) {
  return Round(set, pods, revisions, now).decide();
}

json::Object decideStatefulSetStatus(const StatefulSet& set, const std::vector<Pod>& pods,
                                     const StatefulRevisions& revisions, int64_t collisionCount, base::WallTime now) {
  int64_t replicas = 0, ready = 0, available = 0, current = 0, updated = 0;
  for (const Pod& pod : pods) {
    if (isTerminal(pod) || !ordinalOf(set.metadata().name(), pod.metadata().name())) continue;
    ++replicas;
    if (isReady(pod)) ++ready;
    if (isAvailable(pod, set.spec().minReadySeconds(), now)) ++available;
    if (pod.metadata().deleting()) continue;
    if (revisionOf(pod) == revisions.current) ++current;
    if (revisionOf(pod) == revisions.update) ++updated;
  }
  const int64_t wanted = set.spec().replicasOr(1);
  const bool complete = isRolling(set) && updated == wanted && replicas == wanted && ready == wanted;
  json::Object status = set.status().tree();
  status["observedGeneration"] = set.metadata().generation();
  status["replicas"] = replicas;
  setCount(status, "readyReplicas", ready);
  status["availableReplicas"] = available;
  setCount(status, "currentReplicas", complete ? updated : current);
  setCount(status, "updatedReplicas", updated);
  status["currentRevision"] = complete ? revisions.update : revisions.current;
  status["updateRevision"] = revisions.update;
  status["collisionCount"] = collisionCount;
  return status;
}

}  // namespace wherry::controllers

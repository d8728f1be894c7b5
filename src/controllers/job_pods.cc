// Which pods of a Job are made and which are ended now.
#include <algorithm>

#include "controllers/job.h"
#include "controllers/job_policies.h"
#include "controllers/pod_state.h"
#include "controllers/replica_set.h"
#include "meta/time.h"

namespace wherry::controllers {

using base::WallTime;
using batch_v1::Job;
using core_v1::Pod;

namespace {

class Round {
 public:
  Round(const JobCount& count, WallTime now) : count_(count), job_(count.job), now_(now) {}

  JobPodActions decide() && {
    if (count_.verdict) {
      actions_.remove = count_.active;
    } else if (!job_.metadata().deleting()) {
      manage();
      comeBackAtDeadline();
    }
    return std::move(actions_);
  }

 private:
  bool isIndexed() const { return job_.spec().completionMode() == "Indexed"; }

  void manage() {
    const auto active = std::ssize(count_.active);
    const auto wanted = job_.spec().suspend() ? 0 : wantedPods();
    actions_.letGo = true;
    removeExcess(std::max<int64_t>(0, active - wanted));
    // One thing at a time: the end of those that are removed brings us back.
    if (actions_.remove.empty() && !job_.spec().suspend()) create(wanted - active - beingReplaced());
  }

  // Without completions the pods know themselves when the work is done: after the first success none is added.
  int64_t wantedPods() const {
    const auto parallelism = job_.spec().parallelismOr(1);
    if (!job_.spec().hasCompletions()) return count_.succeeded > 0 ? std::ssize(count_.active) : parallelism;
    return std::clamp<int64_t>(job_.spec().completions() - count_.succeeded, 0, parallelism);
  }

  int64_t beingReplaced() const { return replacesOnlyFailed(job_) ? count_.terminating : 0; }

  void removeExcess(int64_t atLeast) {
    auto left = isIndexed() ? splitOffDuplicates() : count_.active;
    const auto more = atLeast - std::ssize(actions_.remove);
    if (more > 0) {
      sortForDeletion(left, kUncrowded, now_);
      left.resize(static_cast<size_t>(std::min(more, std::ssize(left))));
      actions_.remove.insert(actions_.remove.end(), left.begin(), left.end());
    }
    if (std::ssize(actions_.remove) > kJobBurst && !job_.spec().suspend()) actions_.remove.resize(kJobBurst);
  }

  // Pods without a valid index go, and of several with the same one all but the one that is worth most.
  std::vector<Pod> splitOffDuplicates() {
    std::map<int64_t, std::vector<Pod>> ofIndex;
    for (const auto& pod : count_.active) {
      const auto index = completionIndex(pod);
      const bool valid = index && *index < job_.spec().completions();
      valid ? ofIndex[*index].push_back(pod) : actions_.remove.push_back(pod);
    }
    std::vector<Pod> left;
    for (auto& [index, pods] : ofIndex) {
      if (pods.size() > 1) sortForDeletion(pods, kUncrowded, now_);
      left.push_back(pods.back());
      actions_.remove.insert(actions_.remove.end(), pods.begin(), std::prev(pods.end()));
    }
    return left;
  }

  void create(int64_t missing) {
    if (missing <= 0) return;
    if (!job_.spec().hasBackoffLimitPerIndex()) {
      if (const auto at = retryAt(count_.backoff, now_)) return comeBackAt(*at);
    }
    missing = std::min(missing, kJobBurst);
    if (isIndexed()) return createIndexes(missing);
    actions_.create.resize(static_cast<size_t>(missing));
  }

  void createIndexes(int64_t missing) {
    IndexSet taken = count_.succeededIndexes;
    taken.addAll(count_.failedIndexes);
    for (const auto& pod : count_.pods) {
      const bool leaves = replacesOnlyFailed(job_) && pod.metadata().deleting() && !isTerminal(pod);
      const auto index = completionIndex(pod);
      if (index && (isActive(pod) || leaves)) taken.add(*index);
    }
    for (const auto index : taken.firstMissing(missing, job_.spec().completions())) createIndex(index);
  }

  void createIndex(int64_t index) {
    JobPodActions::Create create{.index = index};
    if (const auto failed = count_.toRetry.find(index); failed != count_.toRetry.end()) {
      if (const auto at = indexRetryAt(failed->second, now_)) return comeBackAt(*at);
      create.failures = failuresAfter(job_, failed->second);
    }
    actions_.create.push_back(create);
  }

  void comeBackAtDeadline() {
    if (!job_.spec().hasActiveDeadlineSeconds() || job_.spec().suspend()) return;
    const auto start = meta::parseTime(job_.status().startTime()).value_or(now_);
    comeBackAt(start + std::chrono::seconds(job_.spec().activeDeadlineSeconds()));
  }

  void comeBackAt(WallTime at) { actions_.again = std::min(actions_.again.value_or(at), at); }

  static inline const PodsOnNode kUncrowded = [](std::string_view) { return int64_t{1}; };

  const JobCount& count_;
  const Job& job_;
  WallTime now_;
  JobPodActions actions_;
};

}  // namespace

JobPodActions decideJobPods(const JobCount& count, WallTime now) { return Round(count, now).decide(); }

}  // namespace wherry::controllers

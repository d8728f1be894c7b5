// What a Job has come to, and whether that is its end.
#include <algorithm>

#include "base/strings.h"
#include "controllers/job.h"
#include "controllers/job_policies.h"
#include "controllers/pod_state.h"
#include "meta/conditions.h"
#include "meta/time.h"

namespace wherry::controllers {

using base::WallTime;
using batch_v1::Job;
using batch_v1::JobCondition;
using core_v1::Pod;

namespace {

JobCondition trueCondition(const Job& job, std::string_view type) {
  for (const auto condition : job.status().conditions()) {
    if (condition.type() == type && condition.status() == "True") return condition;
  }
  return {};
}

bool isIndexed(const Job& job) { return job.spec().completionMode() == "Indexed"; }

// Of a pod that an Indexed Job asks for: not one from before it became smaller.
bool hasValidIndex(const Job& job, const Pod& pod) {
  const auto index = completionIndex(pod);
  return index && *index < job.spec().completions();
}

class Counter {
 public:
  Counter(const Job& job, std::vector<Pod> pods, const std::optional<JobBackoff>& backoff, WallTime now)
      : job_(job), now_(now), count_{.job = job, .pods = std::move(pods)} {
    std::sort(count_.pods.begin(), count_.pods.end(), [](const Pod& a, const Pod& b) {
      return std::pair(completionIndex(a), a.metadata().name()) < std::pair(completionIndex(b), b.metadata().name());
    });
    count_.backoff = backoff ? *backoff : earlierBackoff();
  }

  JobCount count() && {
    countPhases();
    countEnded();
    if (isIndexed(job_)) countIndexes();
    count_.verdict = verdict();
    return std::move(count_);
  }

 private:
  static bool isTracked(const Pod& pod) { return pod.metadata().hasFinalizer(kJobTrackingFinalizer); }

  // After a restart: what the pods that are counted already tell.
  JobBackoff earlierBackoff() const {
    std::vector<Pod> succeeded, failed;
    for (const auto& pod : count_.pods) {
      if (isTracked(pod)) continue;
      if (pod.status().phase() == "Succeeded") succeeded.push_back(pod);
      if (pod.status().phase() == "Failed") failed.push_back(pod);
    }
    return nextBackoff({}, succeeded, failed);
  }

  void countPhases() {
    for (const auto& pod : count_.pods) {
      if (!isTerminal(pod) && pod.metadata().deleting()) ++count_.terminating;
      if (!isActive(pod)) continue;
      count_.active.push_back(pod);
      if (isReady(pod)) ++count_.ready;
    }
  }

  static std::set<std::string_view> textsOf(const json::Value* list) {
    std::set<std::string_view> texts;
    if (!list || !list->is_array()) return texts;
    for (const auto& text : list->get_array()) {
      if (text.is_string()) texts.insert(text.get_string());
    }
    return texts;
  }

  void countEnded() {
    const auto uncounted = job_.status().uncountedTerminatedPods();
    const auto listedSucceeded = textsOf(uncounted.field("succeeded"));
    const auto listedFailed = textsOf(uncounted.field("failed"));
    std::vector<Pod> succeeded, failed;
    for (const auto& pod : count_.pods) {
      if (!isTracked(pod) || (isIndexed(job_) && !hasValidIndex(job_, pod))) continue;
      const auto uid = pod.metadata().uid();
      if (pod.status().phase() == "Succeeded" && !listedSucceeded.contains(uid)) succeeded.push_back(pod);
      if (hasFailed(job_, pod) && !listedFailed.contains(uid)) failed.push_back(pod);
    }
    count_.backoff = nextBackoff(count_.backoff, succeeded, failed);
    const auto counting =
        std::count_if(failed.begin(), failed.end(), [&](const Pod& pod) { return judgeFailure(job_, pod).counts(); });
    count_.succeeded = job_.status().succeeded() + std::ssize(succeeded) + std::ssize(listedSucceeded);
    count_.failed = job_.status().failed() + counting + std::ssize(listedFailed);
  }

  void countIndexes() {
    const auto completions = job_.spec().completions();
    count_.counted = IndexSet::parse(job_.status().completedIndexes(), completions);
    count_.succeededIndexes = count_.counted;
    count_.failedIndexes = IndexSet::parse(job_.status().failedIndexes(), completions);
    for (const auto& pod : count_.pods) {
      if (!isTracked(pod) || !hasValidIndex(job_, pod)) continue;
      if (pod.status().phase() == "Succeeded") count_.succeededIndexes.add(*completionIndex(pod));
      if (hasPerIndexLimit() && failsIndex(job_, pod)) count_.failedIndexes.add(*completionIndex(pod));
    }
    count_.succeeded = count_.succeededIndexes.size();
    if (hasPerIndexLimit()) findRetried();
  }

  bool hasPerIndexLimit() const { return job_.spec().hasBackoffLimitPerIndex(); }

  // The last failure of each index that is to be tried again and is not yet.
  void findRetried() {
    std::set<int64_t> running;
    for (const auto& pod : count_.active) {
      if (const auto index = completionIndex(pod)) running.insert(*index);
    }
    for (const auto& pod : count_.pods) {
      if (!isTracked(pod) || !hasFailed(job_, pod) || !hasValidIndex(job_, pod)) continue;
      const auto index = *completionIndex(pod);
      if (count_.succeededIndexes.has(index) || count_.failedIndexes.has(index) || running.contains(index)) continue;
      const auto [at, isFirst] = count_.toRetry.emplace(index, pod);
      if (!isFirst && isLater(at->second, pod)) at->second = pod;
    }
  }

  static bool isLater(const Pod& known, const Pod& other) {
    const auto attempts = [](const Pod& pod) {
      const auto failures = failuresBefore(pod);
      return failures.counted + failures.ignored;
    };
    return attempts(known) <= attempts(other) && finishedAt(known) <= finishedAt(other);
  }

  // -- the end -----------------------------------------------------------------------------------------------------

  // What was decided once remains, whatever happens until it is done.
  std::optional<JobVerdict> verdict() const {
    for (const char* type : {"SuccessCriteriaMet", "FailureTarget"}) {
      if (const auto condition = trueCondition(job_, type)) {
        return JobVerdict{type, std::string(condition.reason()), std::string(condition.message())};
      }
    }
    for (const auto& pod : count_.pods) {
      if (!hasFailed(job_, pod)) continue;
      auto judged = judgeFailure(job_, pod);
      if (judged.action == FailureVerdict::Action::kFailJob) return failure("PodFailurePolicy", judged.message);
    }
    if (count_.failed > job_.spec().backoffLimitOr(6) || hasRestartedTooOften()) {
      return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if (isPastDeadline()) return failure("DeadlineExceeded", "Job was active longer than specified deadline");
    return isIndexed(job_) ? indexedVerdict() : std::nullopt;
  }

  static JobVerdict failure(std::string reason, std::string message) {
    return {"FailureTarget", std::move(reason), std::move(message)};
  }

  std::optional<JobVerdict> indexedVerdict() const {
    const auto spec = job_.spec();
    const auto failed = count_.failedIndexes.size();
    if (hasPerIndexLimit() && spec.hasMaxFailedIndexes() && failed > spec.maxFailedIndexes()) {
      return failure("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
    }
    if (hasPerIndexLimit() && failed > 0 && failed + count_.succeededIndexes.size() >= spec.completions()) {
      return failure("FailedIndexes", "Job has failed indexes");
    }
    if (auto message = matchSuccessPolicy(job_, count_.succeededIndexes)) {
      return JobVerdict{"SuccessCriteriaMet", "SuccessPolicy", *message};
    }
    return std::nullopt;
  }

  // With OnFailure the containers of one pod are restarted: those are the attempts.
  bool hasRestartedTooOften() const {
    if (job_.spec().template_().spec().restartPolicy() != "OnFailure") return false;
    int64_t restarts = 0;
    for (const auto& pod : count_.pods) {
      if (pod.status().phase() != "Running" && pod.status().phase() != "Pending") continue;
      for (const auto status : pod.status().initContainerStatuses()) restarts += status.restartCount();
      for (const auto status : pod.status().containerStatuses()) restarts += status.restartCount();
    }
    const auto limit = job_.spec().backoffLimitOr(6);
    return limit == 0 ? restarts > 0 : restarts >= limit;
  }

  bool isPastDeadline() const {
    const auto start = meta::parseTime(job_.status().startTime());
    if (!job_.spec().hasActiveDeadlineSeconds() || !start || job_.spec().suspend()) return false;
    return now_ >= *start + std::chrono::seconds(job_.spec().activeDeadlineSeconds());
  }

  const Job& job_;
  WallTime now_;
  JobCount count_;
};

}  // namespace

JobCondition finishedCondition(const Job& job) {
  const auto complete = trueCondition(job, "Complete");
  return complete ? complete : trueCondition(job, "Failed");
}

bool isManagedElsewhere(const Job& job) {
  return job.spec().hasManagedBy() && job.spec().managedBy() != "kubernetes.io/job-controller";
}

std::optional<int64_t> completionIndex(const Pod& pod) {
  const auto index = base::parseInt<int32_t>(pod.metadata().annotation(kCompletionIndex));
  return index && *index >= 0 ? std::optional<int64_t>(*index) : std::nullopt;
}

JobCount countJob(const Job& job, std::vector<Pod> pods, const std::optional<JobBackoff>& backoff, WallTime now) {
  return Counter(job, std::move(pods), backoff, now).count();
}

}  // namespace wherry::controllers

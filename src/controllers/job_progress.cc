// What a Job's status says after a round, and which pods are counted by it.
#include <algorithm>

#include "controllers/job.h"
#include "controllers/job_policies.h"
#include "controllers/pod_state.h"
#include "controllers/status_writer.h"
#include "meta/conditions.h"
#include "meta/time.h"

namespace wherry::controllers {

using base::WallTime;
using batch_v1::Job;
using core_v1::Pod;

namespace {

bool isIndexed(const Job& job) { return job.spec().completionMode() == "Indexed"; }

// Whether anything changed. What is not the case is not said, unless the opposite was.
bool setJobCondition(json::Object& status, const JobVerdict& verdict, bool isTrue, WallTime now) {
  json::Array& conditions = json::ensureArray(status, "conditions");
  const std::string_view text = isTrue ? "True" : "False";
  const json::Object* known = meta::findCondition(conditions, verdict.type);
  if (!known && !isTrue) {
    if (conditions.empty()) status.erase("conditions");
    return false;
  }
  if (known && json::getString(*known, "status") == text && json::getString(*known, "reason") == verdict.reason &&
      json::getString(*known, "message") == verdict.message) {
    return false;
  }
  const auto at = meta::formatTime(now);
  json::Object entry{{"type", verdict.type}, {"status", text}, {"lastProbeTime", at}, {"lastTransitionTime", at}};
  if (!verdict.reason.empty()) entry["reason"] = verdict.reason;
  if (!verdict.message.empty()) entry["message"] = verdict.message;
  for (auto& condition : conditions) {
    if (json::getString(condition, "type") != verdict.type) continue;
    condition = std::move(entry);
    return true;
  }
  conditions.push_back(std::move(entry));
  return true;
}

json::Array& uncountedList(json::Object& status, const char* name) {
  return json::ensureArray(json::ensureObject(status, "uncountedTerminatedPods"), name);
}

// Those on the list whose finalizers are gone are counted, and leave it.
void countUntracked(json::Object& status, const char* name, const std::set<std::string>& tracked, bool byIndex) {
  json::Array& list = uncountedList(status, name);
  const auto isGone = [&](const json::Value& uid) {
    return !uid.is_string() || !tracked.contains(std::string(uid.get_string()));
  };
  const auto gone = std::count_if(list.begin(), list.end(), isGone);
  if (gone > 0) {
    list.erase(std::remove_if(list.begin(), list.end(), isGone), list.end());
    if (!byIndex) status[name] = json::getInt(status, name) + gone;
  }
  if (list.empty()) json::ensureObject(status, "uncountedTerminatedPods").erase(name);
}

// Of an Indexed Job `succeeded` is the number of completed indexes.
void countUntracked(json::Object& status, const std::set<std::string>& tracked, const Job& job) {
  countUntracked(status, "succeeded", tracked, isIndexed(job));
  countUntracked(status, "failed", tracked, false);
}

int64_t uncountedPods(const json::Object& status) {
  int64_t count = 0;
  for (const char* path : {"uncountedTerminatedPods.succeeded", "uncountedTerminatedPods.failed"}) {
    const auto* list = json::find(status, path);
    if (list && list->is_array()) count += std::ssize(list->get_array());
  }
  return count;
}

class Progress {
 public:
  Progress(const JobCount& count, const JobPodResults& results, WallTime now)
      : count_(count), job_(count.job), results_(results), now_(now) {
    progress_.status = job_.status().tree();
    json::ensureObject(progress_.status, "uncountedTerminatedPods");
  }

  JobProgress decide() && {
    start();
    countPods();
    verdict_ = verdict();
    if (!verdict_ && !count_.verdict && !job_.metadata().deleting()) applySuspension();
    track();
    if (isIndexed(job_)) writeIndexes();
    if (verdict_) {
      setJobCondition(progress_.status, *verdict_, true, now_);
      if (!full_ && terminating_ == 0) progress_.verdict = finalVerdict();
    }
    return std::move(progress_);
  }

 private:
  void start() {
    if (!job_.spec().suspend() && job_.status().startTime().empty()) {
      progress_.status["startTime"] = meta::formatTime(now_);
    }
  }

  void countPods() {
    const auto removed = std::ssize(results_.removed);
    active_ = std::ssize(count_.active) - removed + results_.created;
    // Pods whose finalizers went first may be gone at once; those that are not are seen in the next round.
    terminating_ = count_.terminating + removed;
    const auto readyOnes = std::count_if(results_.removed.begin(), results_.removed.end(), isReady);
    setCount(progress_.status, "active", active_);
    progress_.status["ready"] = count_.ready - readyOnes;
    progress_.status["terminating"] = terminating_;
  }

  std::optional<JobVerdict> verdict() const {
    // There may be pods yet that shouldn't be.
    if (count_.verdict) return results_.complete ? count_.verdict : std::nullopt;
    const auto wanted = job_.spec().completions();
    const bool enough = job_.spec().hasCompletions() ? count_.succeeded >= wanted : count_.succeeded > 0;
    if (!enough || active_ > 0) return std::nullopt;
    return JobVerdict{"SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"};
  }

  bool fails() const { return verdict_ && verdict_->type == "FailureTarget"; }

  JobVerdict finalVerdict() const { return {fails() ? "Failed" : "Complete", verdict_->reason, verdict_->message}; }

  void applySuspension() {
    const bool suspended = job_.spec().suspend();
    const JobVerdict state = suspended ? JobVerdict{"Suspended", "JobSuspended", "Job suspended"}
                                       : JobVerdict{"Suspended", "JobResumed", "Job resumed"};
    if (!setJobCondition(progress_.status, state, suspended, now_)) return;
    progress_.events.push_back({false, suspended ? "Suspended" : "Resumed", state.message});
    // activeDeadlineSeconds counts from here on.
    if (!suspended) progress_.status["startTime"] = meta::formatTime(now_);
  }

  // -- counting (1) ------------------------------------------------------------------------------------------------

  void track() {
    for (const auto& pod : count_.pods) {
      if (isTracked(pod)) progress_.tracked.emplace(pod.metadata().uid());
    }
    countUntracked(progress_.status, progress_.tracked, job_);
    // Lists are extended below and read meanwhile.
    succeeded_ = uncountedList(progress_.status, "succeeded");
    failed_ = uncountedList(progress_.status, "failed");
    for (const auto& pod : count_.pods) {
      if (!isTracked(pod) || !mayBeLetGo(pod)) continue;
      list(pod);
      progress_.untrack.push_back(pod);
      full_ = std::ssize(newIndexes_) + std::ssize(succeeded_) + std::ssize(failed_) >= kJobBurst;
      if (full_) break;
    }
    writeList("succeeded", std::move(succeeded_));
    writeList("failed", std::move(failed_));
  }

  void writeList(const char* name, json::Array list) {
    json::Object& lists = json::ensureObject(progress_.status, "uncountedTerminatedPods");
    if (list.empty()) {
      lists.erase(name);
    } else {
      lists[name] = std::move(list);
    }
  }

  bool isTracked(const Pod& pod) const {
    if (!pod.metadata().hasFinalizer(kJobTrackingFinalizer)) return false;
    // Its finalizer went before it was removed.
    return !(letGo() && std::any_of(results_.removed.begin(), results_.removed.end(), [&](const Pod& removed) {
               return removed.metadata().uid() == pod.metadata().uid();
             }));
  }

  bool letGo() const { return !count_.verdict; }

  bool mayBeLetGo(const Pod& pod) const {
    if (verdict_ || job_.metadata().deleting() || pod.status().phase() == "Succeeded") return true;
    if (!hasFailed(job_, pod)) return false;
    const auto index = completionIndex(pod);
    const auto retried = index ? count_.toRetry.find(*index) : count_.toRetry.end();
    return retried == count_.toRetry.end() || retried->second.metadata().uid() != pod.metadata().uid();
  }

  void list(const Pod& pod) {
    const auto uid = pod.metadata().uid();
    const auto index = completionIndex(pod);
    const bool valid = !isIndexed(job_) || (index && *index < job_.spec().completions());
    const bool listedFailed = contains(failed_, uid);
    if (pod.status().phase() == "Succeeded" && !listedFailed) {
      if (isIndexed(job_)) {
        if (valid && !count_.counted.has(*index)) newIndexes_.insert(*index);
      } else if (!contains(succeeded_, uid)) {
        succeeded_.emplace_back(uid);
      }
    } else if ((hasFailed(job_, pod) || fails()) && valid && !listedFailed && judgeFailure(job_, pod).counts()) {
      failed_.emplace_back(uid);
    }
  }

  static bool contains(const json::Array& uids, std::string_view uid) {
    return std::any_of(uids.begin(), uids.end(),
                       [&](const json::Value& each) { return each.is_string() && each.get_string() == uid; });
  }

  void writeIndexes() {
    // Only what is let go is counted: of the others the next round hears.
    IndexSet completed = count_.counted;
    for (const auto index : newIndexes_) completed.add(index);
    json::Object& status = progress_.status;
    setCount(status, "succeeded", completed.size());
    const auto text = completed.text();
    if (text.empty()) {
      status.erase("completedIndexes");
    } else {
      status["completedIndexes"] = text;
    }
    if (job_.spec().hasBackoffLimitPerIndex()) status["failedIndexes"] = count_.failedIndexes.text();
  }

  const JobCount& count_;
  const Job& job_;
  const JobPodResults& results_;
  WallTime now_;
  int64_t active_ = 0;
  int64_t terminating_ = 0;
  std::optional<JobVerdict> verdict_;
  json::Array succeeded_, failed_;
  std::set<int64_t> newIndexes_;
  bool full_ = false;
  JobProgress progress_;
};

}  // namespace

JobProgress decideJobProgress(const JobCount& count, const JobPodResults& results, WallTime now) {
  return Progress(count, results, now).decide();
}

JobEnd decideJobEnd(const Job& job, json::Object status, const JobProgress& progress,
                    const std::set<std::string>& untracked, WallTime now) {
  JobEnd end{.status = std::move(status), .events = {}};
  std::set<std::string> tracked = progress.tracked;
  for (const auto& uid : untracked) tracked.erase(uid);
  countUntracked(end.status, tracked, job);
  if (!progress.verdict || uncountedPods(end.status) > 0) return end;
  const JobVerdict& verdict = *progress.verdict;
  if (!setJobCondition(end.status, verdict, true, now)) return end;
  if (verdict.type == "Failed") {
    end.events.push_back({true, verdict.reason, verdict.message});
    return end;
  }
  end.status["completionTime"] = meta::formatTime(now);
  if (job.spec().hasCompletions() && json::getInt(end.status, "succeeded") > job.spec().completions()) {
    end.events.push_back(
        {true, "TooManySucceededPods", "Too many succeeded pods running after completion count reached"});
  }
  end.events.push_back({false, "Completed", "Job completed"});
  return end;
}

}  // namespace wherry::controllers

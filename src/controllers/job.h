// The Job controller: runs pods until as many have succeeded as the Job asks for.
//
// How pods are counted once and never twice (KEP-2307). Every pod of a Job bears the finalizer kJobTrackingFinalizer,
// so that it can't vanish before it is counted. One round is: (1) the uids of pods that have ended are written into
// status.uncountedTerminatedPods; (2) their finalizers are taken away; (3) the counters rise and the uids leave the
// list. Whatever is killed in between, the list and the finalizers say which of the three were done.
// Indexed Jobs need no list of those that succeeded: an index that is in status.completedIndexes is counted.
//
// One round is three pure decisions: decideJobPods, decideJobProgress (1), decideJobEnd (3).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "controllers/job_backoff.h"
#include "controllers/job_index_failures.h"
#include "controllers/job_indexes.h"
#include "json/value.h"
#include "views/batch_v1.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeJobController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kJobTrackingFinalizer = "batch.kubernetes.io/job-tracking";
inline constexpr std::string_view kCompletionIndex =
    "batch.kubernetes.io/job-completion-index";  // annotation and label
inline constexpr std::string_view kJobUidLabel = "batch.kubernetes.io/controller-uid";

// At most so many pods are created, deleted or counted in one round: a large Job leaves others their turn, and the list
// of the uncounted stays small.
inline constexpr int64_t kJobBurst = 500;

// The condition Complete or Failed, once it is True; an empty view until then.
batch_v1::JobCondition finishedCondition(const batch_v1::Job& job);
// Somebody else's controller runs it (KEP-4368).
bool isManagedElsewhere(const batch_v1::Job& job);
// Of a pod of an Indexed Job; nothing when it has none.
std::optional<int64_t> completionIndex(const core_v1::Pod& pod);

struct JobVerdict {
  std::string type;  // SuccessCriteriaMet, FailureTarget; in the end Complete, Failed
  std::string reason;
  std::string message;
};

// A Job and its pods as they are now, those included that the status doesn't count yet.
struct JobCount {
  batch_v1::Job job;
  std::vector<core_v1::Pod> pods;    // by index, then by name
  std::vector<core_v1::Pod> active;  // neither ended nor being deleted
  int64_t ready = 0;
  int64_t terminating = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  JobBackoff backoff;
  // Indexed Jobs:
  IndexSet counted;  // succeeded, as the status has it
  IndexSet succeededIndexes;
  IndexSet failedIndexes;  // with backoffLimitPerIndex
  // The failed pods that new ones will follow: they keep their finalizers until then, for they know the number of
  // failures of their index.
  std::map<int64_t, core_v1::Pod> toRetry;
  // Why no more pods are wanted; nothing while some may be.
  std::optional<JobVerdict> verdict;
};
// `backoff`: as the last round left it; nothing when this is the first one of this process.
JobCount countJob(const batch_v1::Job& job, std::vector<core_v1::Pod> pods, const std::optional<JobBackoff>& backoff,
                  base::WallTime now);

struct JobPodActions {
  struct Create {
    std::optional<int64_t> index;
    IndexFailures failures{};  // until now, with backoffLimitPerIndex
  };
  std::vector<Create> create;
  std::vector<core_v1::Pod> remove;
  bool letGo = false;                   // those that are removed are no failures: their finalizers go first
  std::optional<base::WallTime> again;  // when a deadline or a delay ends
};
JobPodActions decideJobPods(const JobCount& count, base::WallTime now);

// The pod that `create` asks for.
json::Value jobPod(const batch_v1::Job& job, const JobPodActions::Create& create);

// What came of the JobPodActions.
struct JobPodResults {
  int64_t created = 0;
  std::vector<core_v1::Pod> removed;
  bool complete = true;  // nothing was refused
};

struct JobEvent {
  bool warning = false;
  std::string reason;
  std::string message;
};

struct JobProgress {
  json::Object status;                // to be written before `untrack`
  std::vector<core_v1::Pod> untrack;  // whose finalizers can go once the status is written
  std::vector<JobEvent> events;
  // For decideJobEnd:
  std::set<std::string> tracked;      // uids of pods that have the finalizer
  std::optional<JobVerdict> verdict;  // Complete or Failed, unless something remains to be done before
};
JobProgress decideJobProgress(const JobCount& count, const JobPodResults& results, base::WallTime now);

struct JobEnd {
  json::Object status;
  std::vector<JobEvent> events;
};
// `status`: as it was written; `untracked`: uids of the pods whose finalizers are gone since.
JobEnd decideJobEnd(const batch_v1::Job& job, json::Object status, const JobProgress& progress,
                    const std::set<std::string>& untracked, base::WallTime now);

}  // namespace wherry::controllers

// What a Job's policies say: whether a pod has failed and what follows (podFailurePolicy), and whether the indexes that
// succeeded are enough (successPolicy). Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/job_indexes.h"
#include "views/batch_v1.h"
#include "views/core_v1.h"

namespace wherry::controllers {

// Terminating pods are waited for and not replaced before they have ended; those that end otherwise are failures.
bool replacesOnlyFailed(const batch_v1::Job& job);

// Its phase is Failed; or it is being deleted, where the Job doesn't wait for that.
bool hasFailed(const batch_v1::Job& job, const core_v1::Pod& pod);

struct FailureVerdict {
  enum class Action { kNone, kFailJob, kFailIndex, kIgnore, kCount };
  Action action = Action::kNone;  // kNone: no rule matches, and the failure counts
  std::string message;            // of kFailJob: why, for its condition
  bool counts() const { return action != Action::kIgnore; }
};
// The first rule that matches a failed pod.
FailureVerdict judgeFailure(const batch_v1::Job& job, const core_v1::Pod& failed);

// The message for SuccessCriteriaMet when a rule is met; nothing when none is.
std::optional<std::string> matchSuccessPolicy(const batch_v1::Job& job, const IndexSet& succeeded);

}  // namespace wherry::controllers

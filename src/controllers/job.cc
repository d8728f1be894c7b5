#include "controllers/job.h"

#include <unordered_map>

#include "base/guarded.h"
#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/batches.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_writer.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using batch_v1::Job;
using client::Severity;
using core_v1::Pod;
using meta::ObjectPtr;
using std::chrono::milliseconds;

// What doesn't change a count, readiness above all, is told once a second.
constexpr milliseconds kUnhurried(1000);
// A Job with more pods than this is looked at once a second: a round costs as much as it has pods.
constexpr size_t kManyPods = 200;

constexpr std::string_view kByUid = "uid";
constexpr std::string_view kBySelector = "manual-selector";   // Jobs that choose their pods, by namespace
constexpr std::string_view kOrphansOfJob = "orphans-of-job";  // pods without a controller, by the uid in their label

bool isTracked(const meta::Object& pod) { return pod.metadata().hasFinalizer(kJobTrackingFinalizer); }

json::Value untrackPatch(const meta::Object& pod) {
  return json::Object{{"metadata", json::Object{{"uid", pod.metadata().uid()},
                                                {"$deleteFromPrimitiveList/finalizers",
                                                 json::Array{json::Value(kJobTrackingFinalizer)}}}}};
}

json::Value adoptAndTrackPatch(const meta::Object& job, const meta::Object& pod) {
  json::Value patch = adoptionPatch(job, pod);
  json::ensureObject(patch.as_object(), "metadata")["finalizers"] = json::Array{json::Value(kJobTrackingFinalizer)};
  return patch;
}

json::Value releaseAndUntrackPatch(std::string_view uid, const meta::Object& pod) {
  json::Value patch = releasePatch(uid, pod);
  json::ensureObject(patch.as_object(), "metadata")["$deleteFromPrimitiveList/finalizers"] =
      json::Array{json::Value(kJobTrackingFinalizer)};
  return patch;
}

// Whether a Job has to hear of this change at once.
bool isUrgent(const ObjectPtr& before, const ObjectPtr& after) {
  if (!before || !after) return true;
  const auto was = before->metadata(), is = after->metadata();
  return was.deleting() != is.deleting() || isTracked(*before) != isTracked(*after) || was.uid() != is.uid() ||
         was.labels() != is.labels() || controllerUid(*before) != controllerUid(*after) ||
         Pod(before).status().phase() != Pod(after).status().phase();
}

class JobController : public Controller {
 public:
  explicit JobController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("job-controller")),
        jobs_(context.informers.informer(Job::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    pods_.addIndex(std::string(kByController), controllerIndex);
    pods_.addIndex(std::string(kOrphans), orphanIndex);
    pods_.addIndex(std::string(kOrphansOfJob), [](const meta::Object& pod) -> std::vector<std::string> {
      const auto uid = pod.metadata().label(kJobUidLabel);
      if (uid.empty() || !controllerUid(pod).empty()) return {};
      return {std::string(uid)};
    });
    jobs_.addIndex(std::string(kByUid), [](const meta::Object& job) -> std::vector<std::string> {
      return {std::string(job.metadata().uid())};
    });
    jobs_.addIndex(std::string(kBySelector), [](const meta::Object& job) -> std::vector<std::string> {
      if (!json::getBool(job.tree(), "spec.manualSelector")) return {};
      return {std::string(job.metadata().ns())};
    });
    jobs_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { jobChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
    pods_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { podChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
  }

  void start() override {
    // They wait for the disk most of the time, and share its commits.
    constexpr unsigned kWorkers = 8;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
    orphanLoop_.emplace(leftOver_, [this](const std::string& key) { letGoLeftOver(key); });
  }

 private:
  // -- who has to hear of what -------------------------------------------------------------------------------------

  void jobChanged(const ObjectPtr& before, const ObjectPtr& after) {
    const ObjectPtr& latest = after ? after : before;
    queue_.add(latest->key().text());
    if (after && !finishedCondition(Job(after))) return;
    for (const auto& pod : pods_.byIndex(kByController, latest->metadata().uid())) {
      if (isTracked(*pod)) leftOver_.add(pod->key().text());
    }
  }

  void podChanged(const ObjectPtr& before, const ObjectPtr& after) {
    const auto delay = isUrgent(before, after) ? milliseconds(0) : kUnhurried;
    for (const auto& pod : {before, after}) {
      if (!pod) continue;
      for (auto& key : jobsOf(*pod)) queue_.addAfter(std::move(key), delay);
    }
    if (after && isTracked(*after) && isLeftOver(*after)) leftOver_.add(after->key().text());
  }

  std::vector<std::string> jobsOf(const meta::Object& pod) const {
    std::vector<std::string> keys;
    if (const auto* controller = pod.metadata().controllerRef()) {
      if (json::getString(*controller, "kind") != "Job") return keys;
      return {
          meta::ObjectKey{std::string(pod.metadata().ns()), std::string(json::getString(*controller, "name"))}.text()};
    }
    const auto uid = pod.metadata().label(kJobUidLabel);
    if (!uid.empty()) {
      for (const auto& job : jobs_.byIndex(kByUid, uid)) keys.push_back(job->key().text());
    }
    for (const auto& job : jobs_.byIndex(kBySelector, pod.metadata().ns())) {
      if (selectorOf(*job).matches(pod.metadata().labels())) keys.push_back(job->key().text());
    }
    return keys;
  }

  // No Job waits for this pod to be counted.
  bool isLeftOver(const meta::Object& pod) const {
    const auto* controller = pod.metadata().controllerRef();
    if (!controller) return true;
    if (json::getString(*controller, "kind") != "Job") return false;
    const auto jobs = jobs_.byIndex(kByUid, json::getString(*controller, "uid"));
    if (jobs.empty()) return true;
    const Job job(jobs.front());
    return !isManagedElsewhere(job) && finishedCondition(job);
  }

  void letGoLeftOver(const std::string& key) {
    const auto pod = pods_.get(meta::ObjectKey::parse(key));
    if (!pod || !isTracked(*pod) || !isLeftOver(*pod) || hasUnseenJob(*pod)) return;
    tryPatch(*pod, untrackPatch(*pod));
  }

  // A pod that is let go is never counted: better ask than trust a cache that has no such Job.
  bool hasUnseenJob(const meta::Object& pod) const {
    const auto* controller = pod.metadata().controllerRef();
    if (!controller || !jobs_.byIndex(kByUid, json::getString(*controller, "uid")).empty()) return false;
    try {
      const auto job = client_.get(Job::kResource(), pod.metadata().ns(), json::getString(*controller, "name"));
      return job->metadata().uid() == json::getString(*controller, "uid");
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      return false;
    }
  }

  // -- one round ---------------------------------------------------------------------------------------------------

  void reconcile(const std::string& key) {
    const Job job(jobs_.get(meta::ObjectKey::parse(key)));
    if (!job || isManagedElsewhere(job) || finishedCondition(job)) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!podWrites_.visible(key, pods_) || !jobWrites_.visible(key, jobs_)) return;
    if (isTooEarly(key)) return;
    auto pods = claimPods(key, job);
    if (pods.size() > kManyPods) delayNextRound(key);
    const auto now = clock_.now();
    const auto count = countJob(job, std::move(pods), findBackoff(key), now);
    const auto actions = decideJobPods(count, now);
    std::exception_ptr failure;
    const auto results = applyPods(key, job, actions, failure);
    apply(key, count, decideJobProgress(count, results, now));
    if (actions.again) queue_.addAfter(key, std::chrono::ceil<milliseconds>(*actions.again - now));
    if (failure) std::rethrow_exception(failure);
  }

  void forget(const std::string& key) {
    podWrites_.forget(key);
    jobWrites_.forget(key);
    memory_.with([&](auto& memory) { memory.erase(key); });
  }

  bool isTooEarly(const std::string& key) {
    const auto at = memory_.with([&](auto& memory) {
      const auto found = memory.find(key);
      return found == memory.end() ? base::MonotonicTime{} : found->second.nextRound;
    });
    const auto left = at - clock_.monotonicNow();
    if (left <= left.zero()) return false;
    queue_.addAfter(key, std::chrono::ceil<milliseconds>(left));
    return true;
  }

  void delayNextRound(const std::string& key) {
    memory_.with([&](auto& memory) { memory[key].nextRound = clock_.monotonicNow() + kUnhurried; });
  }

  std::optional<JobBackoff> findBackoff(const std::string& key) {
    return memory_.with([&](auto& memory) -> std::optional<JobBackoff> {
      const auto found = memory.find(key);
      return found == memory.end() ? std::nullopt : found->second.backoff;
    });
  }

  std::vector<Pod> claimPods(const std::string& key, const Job& job) {
    auto candidates = pods_.byIndex(kByController, job.metadata().uid());
    const bool manual = job.spec().manualSelector();
    const auto orphans =
        manual ? pods_.byIndex(kOrphans, job.metadata().ns()) : pods_.byIndex(kOrphansOfJob, job.metadata().uid());
    candidates.insert(candidates.end(), orphans.begin(), orphans.end());
    const auto claims = decideClaims(*job.object(), selectorOf(*job.object()), candidates);
    std::vector<Pod> pods;
    for (const auto& pod : claims.owned) pods.emplace_back(pod);
    for (const auto& pod : claims.toAdopt) {
      if (auto adopted = patchPod(key, *pod, adoptAndTrackPatch(*job.object(), *pod))) pods.emplace_back(adopted);
    }
    for (const auto& pod : claims.toRelease) patchPod(key, *pod, releaseAndUntrackPatch(job.metadata().uid(), *pod));
    return pods;
  }

  // Null when the pod is gone.
  ObjectPtr tryPatch(const meta::Object& pod, const json::Value& patch) {
    try {
      return client_.patch(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(), client::PatchType::kStrategic,
                           patch);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      return nullptr;
    }
  }

  ObjectPtr patchPod(const std::string& key, const meta::Object& pod, const json::Value& patch) {
    auto written = tryPatch(pod, patch);
    if (written) podWrites_.wrote(key, *written);
    return written;
  }

  JobPodResults applyPods(const std::string& key, const Job& job, const JobPodActions& actions,
                          std::exception_ptr& failure) {
    JobPodResults results;
    failure = forEach(
        actions.remove,
        [&](const Pod& pod) {
          if (actions.letGo && isTracked(*pod.object())) patchPod(key, *pod.object(), untrackPatch(*pod.object()));
          writer_.remove(*job.object(), pod);
        },
        results.removed);
    std::vector<JobPodActions::Create> created;
    const auto refused = forEach(
        actions.create,
        [&](const JobPodActions::Create& create) { writer_.create(*job.object(), jobPod(job, create)); }, created);
    results.created = std::ssize(created);
    if (!failure) failure = refused;
    results.complete = !failure;
    if (failure && isNamespaceEnding(failure)) failure = nullptr;
    return results;
  }

  // Several at a time; `done` are those that went well. The first error ends it, and is the answer.
  template <typename T, typename F>
  static std::exception_ptr forEach(const std::vector<T>& all, F f, std::vector<T>& done) {
    std::vector<char> good(all.size());  // each is written by one thread
    const auto outcome = doInBatches(std::ssize(all), [&](int64_t index) {
      const auto at = static_cast<size_t>(index);
      f(all[at]);
      good[at] = 1;
    });
    for (size_t i = 0; i < all.size(); ++i) {
      if (good[i]) done.push_back(all[i]);
    }
    return outcome.error;
  }

  // Nothing is to be made any longer, and nobody to be told.
  static bool isNamespaceEnding(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const meta::StatusError& error) {
      return isNamespaceTerminating(error);
    }
  }

  // -- counting ----------------------------------------------------------------------------------------------------

  void apply(const std::string& key, const JobCount& count, const JobProgress& progress) {
    const Job& job = count.job;
    if (progress.untrack.empty()) {
      const auto end = decideJobEnd(job, progress.status, progress, {}, clock_.now());
      if (writeStatus(key, job, end.status)) remember(key, count.backoff);
      tell(job, progress.events);
      return tell(job, end.events);
    }
    const auto written = writeStatus(key, job, progress.status);
    if (written) remember(key, count.backoff);
    tell(job, progress.events);
    const Job listed = written ? Job(written) : job;
    std::vector<Pod> untracked;
    const auto failure = forEach(
        progress.untrack, [&](const Pod& pod) { patchPod(key, *pod.object(), untrackPatch(*pod.object())); },
        untracked);
    const auto end = decideJobEnd(listed, listed.status().tree(), progress, uidsOf(untracked), clock_.now());
    writeStatus(key, listed, end.status);
    tell(job, end.events);
    if (failure) std::rethrow_exception(failure);
  }

  void remember(const std::string& key, const JobBackoff& backoff) {
    memory_.with([&](auto& memory) { memory[key].backoff = backoff; });
  }

  static std::set<std::string> uidsOf(const std::vector<Pod>& pods) {
    std::set<std::string> uids;
    for (const auto& pod : pods) uids.emplace(pod.metadata().uid());
    return uids;
  }

  ObjectPtr writeStatus(const std::string& key, const Job& job, const json::Object& status) {
    auto written = applyStatus(client_, Job::kResource(), *job.object(), status);
    if (written) jobWrites_.wrote(key, *written);
    return written;
  }

  void tell(const Job& job, const std::vector<JobEvent>& events) {
    for (const auto& event : events) {
      events_.record(*job.object(), event.warning ? Severity::kWarning : Severity::kNormal, event.reason,
                     event.message);
    }
  }

  // What a Job's next round must know and its objects don't say.
  struct Memory {
    std::optional<JobBackoff> backoff;
    base::MonotonicTime nextRound{};
  };

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& jobs_;
  client::Informer& pods_;
  client::OwnWrites podWrites_;
  client::OwnWrites jobWrites_;
  PodWriter writer_{client_, events_, podWrites_};
  base::Guarded<std::unordered_map<std::string, Memory>> memory_;
  client::Workqueue queue_{"job-controller"};
  client::Workqueue leftOver_{"job-controller-left-over-pods"};
  std::optional<client::ReconcileLoop> loop_;
  std::optional<client::ReconcileLoop> orphanLoop_;
};

}  // namespace

std::unique_ptr<Controller> makeJobController(ControllerContext& context) {
  return std::make_unique<JobController>(context);
}

}  // namespace wherry::controllers

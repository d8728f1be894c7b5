#include "controllers/cron_job.h"

#include <fmt/format.h>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_writer.h"
#include "controllers/status_writer.h"
#include "controllers/wall_deadlines.h"

namespace wherry::controllers {

namespace {

using batch_v1::CronJob;
using batch_v1::Job;
using client::Severity;
using meta::ObjectPtr;

class CronJobController : public Controller {
 public:
  explicit CronJobController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("cronjob-controller")),
        cronJobs_(context.informers.informer(CronJob::kResource())),
        jobs_(context.informers.informer(Job::kResource())) {
    jobs_.addIndex(std::string(kByController), controllerIndex);
    cronJobs_.addHandler(onLatest([this](const ObjectPtr& cronJob) { queue_.add(cronJob->key().text()); }));
    jobs_.addHandler(onEither([this](const meta::Object& job) {
      const auto* controller = job.metadata().controllerRef();
      if (!controller || json::getString(*controller, "kind") != "CronJob") return;
      queue_.add(
          meta::ObjectKey{std::string(job.metadata().ns()), std::string(json::getString(*controller, "name"))}.text());
    }));
  }

  void start() override {
    deadlines_.emplace([this](const std::string& key) { queue_.add(key); });
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    const CronJob cronJob(cronJobs_.get(meta::ObjectKey::parse(key)));
    if (!cronJob) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!cronJobWrites_.visible(key, cronJobs_) || !jobWrites_.visible(key, jobs_)) return;
    std::vector<Job> jobs;
    for (const auto& job : jobs_.byIndex(kByController, cronJob.metadata().uid())) jobs.emplace_back(job);
    const auto zone = zoneOf(cronJob);
    auto actions = decideCronJob(cronJob, jobs, zone, clock_.now());
    for (const auto& event : actions.events) {
      events_.record(*cronJob.object(), event.warning ? Severity::kWarning : Severity::kNormal, event.reason,
                     event.message);
    }
    setDeadline(key, actions.next);
    std::exception_ptr failure;
    try {
      apply(key, cronJob, actions, zone);
    } catch (const meta::StatusError&) {
      failure = std::current_exception();
    }
    const auto written = applyStatus(client_, CronJob::kResource(), *cronJob.object(), std::move(actions.status));
    if (written) cronJobWrites_.wrote(key, *written);
    if (failure) std::rethrow_exception(failure);
  }

  void forget(const std::string& key) {
    cronJobWrites_.forget(key);
    jobWrites_.forget(key);
    deadlines_->forget(key);
  }

  void setDeadline(const std::string& key, std::optional<base::WallTime> next) {
    if (next) return deadlines_->set(key, *next);
    deadlines_->forget(key);
  }

  static std::optional<meta::TimeZone> zoneOf(const CronJob& cronJob) {
    if (!cronJob.spec().hasTimeZone()) return meta::TimeZone::local();
    return meta::TimeZone::find(cronJob.spec().timeZone());
  }

  // Writes into the status what it has done.
  void apply(const std::string& key, const CronJob& cronJob, CronJobActions& actions,
             const std::optional<meta::TimeZone>& zone) {
    for (const auto* jobs : {&actions.cleanUp, &actions.replace}) {
      for (const auto& job : *jobs) removeJob(key, cronJob, job, actions.status);
    }
    if (!actions.start) return;
    if (const Job job = createJob(key, cronJob, *actions.start, *zone)) {
      addActive(actions.status, job, *actions.start);
    }
  }

  void removeJob(const std::string& key, const CronJob& cronJob, const Job& job, json::Object& status) {
    const auto metadata = job.metadata();
    try {
      client_.remove(Job::kResource(), metadata.ns(), metadata.name(),
                     {.uid = std::string(metadata.uid()), .propagation = client::Propagation::kBackground});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) {
        events_.record(*cronJob.object(), Severity::kWarning, "FailedDelete", "Deleted job: " + error.message());
        throw;
      }
    }
    jobWrites_.removed(key, *job.object());
    removeActive(status, metadata.uid());
    events_.record(*cronJob.object(), Severity::kNormal, "SuccessfulDelete",
                   fmt::format("Deleted job {}", metadata.name()));
  }

  // An empty view when somebody else has one of this name, or nothing is to be made any longer.
  Job createJob(const std::string& key, const CronJob& cronJob, base::WallTime scheduled, const meta::TimeZone& zone) {
    const auto ns = cronJob.metadata().ns();
    try {
      const Job job(client_.create(Job::kResource(), ns, jobOfCronJob(cronJob, scheduled, zone)));
      jobWrites_.wrote(key, *job.object());
      events_.record(*cronJob.object(), Severity::kNormal, "SuccessfulCreate",
                     fmt::format("Created job {}", job.metadata().name()));
      return job;
    } catch (const meta::StatusError& error) {
      if (error.isAlreadyExists()) return findOwn(cronJob, scheduled);
      if (isNamespaceTerminating(error)) return {};
      events_.record(*cronJob.object(), Severity::kWarning, "FailedCreate", "Error creating job: " + error.message());
      throw;
    }
  }

  // Made before, but not noted: we were killed in between.
  Job findOwn(const CronJob& cronJob, base::WallTime scheduled) {
    const Job job(client_.get(Job::kResource(), cronJob.metadata().ns(), cronJobJobName(cronJob, scheduled)));
    return controllerUid(*job.object()) == cronJob.metadata().uid() ? job : Job();
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& cronJobs_;
  client::Informer& jobs_;
  client::OwnWrites cronJobWrites_;
  client::OwnWrites jobWrites_;
  client::Workqueue queue_{"cronjob-controller"};
  std::optional<WallDeadlines> deadlines_;
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeCronJobController(ControllerContext& context) {
  return std::make_unique<CronJobController>(context);
}

}  // namespace wherry::controllers

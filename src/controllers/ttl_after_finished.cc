#include "controllers/ttl_after_finished.h"

#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "controllers/job.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using batch_v1::Job;
using meta::ObjectPtr;

class TtlAfterFinishedController : public Controller {
 public:
  explicit TtlAfterFinishedController(ControllerContext& context)
      : client_(context.client), clock_(context.clock), jobs_(context.informers.informer(Job::kResource())) {
    jobs_.addHandler(onLatest([this](const ObjectPtr& job) {
      if (expiresAt(Job(job))) queue_.add(job->key().text());
    }));
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    const Job job(jobs_.get(meta::ObjectKey::parse(key)));
    if (!job || job.metadata().deleting()) return;
    const auto at = expiresAt(job);
    if (!at) return;
    const auto left = *at - clock_.now();
    if (left > left.zero()) return queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(left));
    remove(job);
  }

  // Unless its time was prolonged meanwhile.
  void remove(const Job& job) {
    const auto metadata = job.metadata();
    client_.remove(Job::kResource(), metadata.ns(), metadata.name(),
                   {.uid = std::string(metadata.uid()),
                    .resourceVersion = std::string(metadata.resourceVersion()),
                    .propagation = client::Propagation::kForeground});
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::Informer& jobs_;
  client::Workqueue queue_{"ttl-after-finished-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::optional<base::WallTime> expiresAt(const Job& job) {
  const auto finished = finishedCondition(job);
  if (!job.spec().hasTtlSecondsAfterFinished() || !finished) return std::nullopt;
  const auto at = meta::parseTime(finished.lastTransitionTime());
  if (!at) return std::nullopt;
  return *at + std::chrono::seconds(job.spec().ttlSecondsAfterFinished());
}

std::unique_ptr<Controller> makeTtlAfterFinishedController(ControllerContext& context) {
  return std::make_unique<TtlAfterFinishedController>(context);
}

}  // namespace wherry::controllers

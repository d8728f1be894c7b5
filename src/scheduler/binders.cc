#include "scheduler/binders.h"

#include <fmt/format.h>

#include "scheduler/pod_condition.h"
#include "scheduler/scheduler_metrics.h"

namespace wherry::scheduler {

using std::chrono::steady_clock;

Binders::Binders(client::Client& client, client::EventRecorder& events, OnFailure onFailure)
    : client_(client), events_(events), onFailure_(std::move(onFailure)) {
  constexpr int kThreads = 8;  // they wait for the disk, not for a core
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { run(stop); });
  }
}

Binders::~Binders() {
  for (auto& thread : threads_) thread.request_stop();
}

void Binders::bind(Job job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  filled_.notify_one();
}

void Binders::run(std::stop_token stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, stop, [&] { return !jobs_.empty(); });
    if (stop.stop_requested()) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    write(job);
  }
}

void Binders::write(const Job& job) {
  const auto& pod = job.pod->pod;
  try {
    client_.createSubresource(core_v1::Pod::kResource(), pod.metadata().ns(), pod.metadata().name(), "binding",
                              bindingOf(pod, job.node));
  } catch (const meta::StatusError& error) {
    countAttempt(Attempt::kError, steady_clock::now() - job.begun);
    return onFailure_(job.pod, error);
  }
  const auto now = steady_clock::now();
  countAttempt(Attempt::kScheduled, now - job.begun);
  countScheduled(now - job.trial.start, job.trial.attempts);
  events_.record(*pod.object(), client::Severity::kNormal, "Scheduled",
                 fmt::format("Successfully assigned {} to {}", pod.key().text(), job.node));
}

}  // namespace wherry::scheduler

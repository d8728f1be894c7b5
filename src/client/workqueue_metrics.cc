#include "client/workqueue_metrics.h"

namespace wherry::client {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Gauge;
using base::metrics::Histogram;

constexpr double kSeconds[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10};

struct Families {
  Family<Counter> adds{"workqueue_adds_total", "Keys that were added.", {"name"}};
  Family<Gauge> depth{"workqueue_depth", "Keys that wait.", {"name"}};
  Family<Histogram> waited{"workqueue_queue_duration_seconds", "How long keys waited.", {"name"}, kSeconds};
  Family<Histogram> worked{"workqueue_work_duration_seconds", "How long a key was worked on.", {"name"}, kSeconds};
  Family<Counter> retries{"workqueue_retries_total", "Keys that came back.", {"name"}};
};

Families& families() {
  static Families all;
  return all;
}

double inSeconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

WorkqueueMetrics::WorkqueueMetrics(std::string_view queue)
    : adds_(families().adds.with({queue})),
      depth_(families().depth.with({queue})),
      waited_(families().waited.with({queue})),
      worked_(families().worked.with({queue})),
      retries_(families().retries.with({queue})) {}

void WorkqueueMetrics::countAdd() {
  adds_.add();
  depth_.add(1);
}

void WorkqueueMetrics::countTake(std::chrono::nanoseconds waited) {
  depth_.add(-1);
  waited_.observe(inSeconds(waited));
}

void WorkqueueMetrics::countDone(std::chrono::nanoseconds worked) { worked_.observe(inSeconds(worked)); }

void WorkqueueMetrics::countRetry() { retries_.add(); }

void WorkqueueMetrics::countDropped(size_t keys) { depth_.add(-static_cast<int64_t>(keys)); }

std::vector<const base::metrics::FamilyBase*> workqueueFamilies() {
  auto& all = families();
  return {&all.adds, &all.depth, &all.waited, &all.worked, &all.retries};
}

}  // namespace wherry::client

#include "client/workqueue_metrics.h"

namespace wherry::client {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Histogram;

constexpr double kSeconds[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10};

struct Families {
  Family<Histogram> duration{"workqueue_work_duration_seconds", "How long a key was worked on.", {"name"}, kSeconds};
  Family<Counter> retries{"workqueue_retries_total", "Keys that came back.", {"name"}};
};

Families& families() {
  static Families all;
  return all;
}

}  // namespace

void countWork(std::string_view queue, std::chrono::nanoseconds took, bool comesBack) {
  families().duration.with({queue}).observe(std::chrono::duration<double>(took).count());
  if (comesBack) families().retries.with({queue}).add();
}

std::vector<const base::metrics::FamilyBase*> workqueueFamilies() {
  return {&families().duration, &families().retries};
}

}  // namespace wherry::client

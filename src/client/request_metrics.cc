#include "client/request_metrics.h"

#include <string>

namespace wherry::client {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Histogram;

constexpr double kSeconds[] = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};

struct Families {
  Family<Counter> total{"rest_client_requests_total", "Requests, by what was answered.", {"code", "method", "host"}};
  Family<Histogram> duration{
      "rest_client_request_duration_seconds", "How long requests took.", {"verb", "host"}, kSeconds};
};

Families& families() {
  static Families all;
  return all;
}

}  // namespace

void countRequest(std::string_view host, std::string_view method, int code, std::chrono::nanoseconds took) {
  auto& all = families();
  all.total.with({code == kNoAnswer ? "<error>" : std::to_string(code), method, host}).add();
  all.duration.with({method, host}).observe(std::chrono::duration<double>(took).count());
}

std::vector<const base::metrics::FamilyBase*> requestFamilies() {
  auto& all = families();
  return {&all.total, &all.duration};
}

}  // namespace wherry::client

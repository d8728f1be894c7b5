// RouteCounters: how many requests each host, path and backend had, for /metrics. HAProxy counts; it is asked when
// somebody asks, and not before. Safe from any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "base/metrics.h"
#include "ingress/admin_socket.h"
#include "ingress/haproxy_config.h"

namespace wherry::ingress {

struct RouteCounts {
  uint64_t requests = 0;
  uint64_t clientErrors = 0;  // answers of 4xx
  uint64_t serverErrors = 0;  // answers of 5xx, and requests without an answer
  uint64_t bytesIn = 0;
  uint64_t bytesOut = 0;
  RouteCounts& operator+=(const RouteCounts& other);
};

struct BackendCounts {
  std::map<std::string, uint64_t> responses;  // "2xx" -> number
  uint64_t connectionErrors = 0;
  uint64_t retries = 0;
  BackendCounts& operator+=(const BackendCounts& other);
};

// "show table" by route id, and "show stat" by backend (without our own). Pure.
std::map<std::string, RouteCounts> readRouteTable(std::string_view answer);
std::map<std::string, BackendCounts> readStatistics(std::string_view answer);

class RouteCounters {
 public:
  struct Totals {
    std::map<std::string, RouteCounts> routes;  // by labels: {kind="...",namespace="...",...}
    std::map<std::string, BackendCounts> backends;
  };

  // All that was counted up to now, by those too that have ended.
  Totals count() const;
  // HAProxy was loaded, with these routes; without `admin` it has ended. `before` is what others have counted.
  void follow(Totals before, std::optional<AdminSocket> admin, std::map<std::string, RouteLabel> routes);

  std::string read(base::metrics::Format format) const;

 private:
  struct Source {
    std::optional<AdminSocket> admin;
    std::map<std::string, RouteLabel> routes;
    Totals before;
  };

  base::Guarded<Source> source_;
};

// What the counters say that were shown last, while they live.
std::vector<const base::metrics::FamilyBase*> metricFamilies();
void showInMetrics(const std::shared_ptr<RouteCounters>& counters);

}  // namespace wherry::ingress

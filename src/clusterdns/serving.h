// What all that answer for one server have in common. It outlives them; safe from any thread as far as it says.
#pragma once

#include <memory>

#include "clusterdns/answer.h"
#include "clusterdns/cookies.h"
#include "clusterdns/pod_namespaces.h"
#include "clusterdns/query_metrics.h"
#include "clusterdns/rate_limiter.h"
#include "clusterdns/service_limits.h"
#include "clusterdns/shared_zone.h"
#include "clusterdns/upstreams.h"

namespace wherry::clusterdns {

struct Serving {
  const SharedZone& zone;
  const AnswerOptions answers;
  const ServiceLimits limits;
  const Cookies::Secret cookieSecret = Cookies::randomSecret();
  std::shared_ptr<Upstreams> upstreams;
  std::shared_ptr<QueryCounts> loopCounts;  // of what the event loop's thread answers
  RateLimiter limiter;
  std::shared_ptr<const PodNamespaces> searching = nullptr;  // whose search paths are gone through; null: nobody's
};

}  // namespace wherry::clusterdns

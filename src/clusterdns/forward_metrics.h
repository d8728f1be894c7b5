// What is counted of names outside of the cluster, under the names of CoreDNS's cache, forward and autopath. Safe from
// any thread.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "dns/message.h"

namespace wherry::clusterdns {

struct ForwardCounts {
  // Of answers and of denials (CoreDNS's types "success" and "denial").
  std::array<base::metrics::Counter, 2> hits, evictions;
  std::array<base::metrics::Gauge, 2> entries;
  base::metrics::Counter requests, misses, prefetches, servedStale;
  base::metrics::Counter hosts;     // answered out of hosts entries
  base::metrics::Counter searched;  // answered for a whole search path
  base::metrics::Counter rejected;  // too many questions were under way
  base::metrics::Counter allDown;   // nobody of those to ask had answered lately
  base::metrics::Counter dropped;   // packets that came but were no answer to what was asked
};
ForwardCounts& forwardCounts();

// A resolver answered. `to`: as upstream.h writes it.
void countUpstream(std::string_view to, dns::Rcode rcode, std::chrono::nanoseconds took);
// It did not.
void countUpstreamFailure(std::string_view to);
// A question over TCP or TLS found a connection, or needed a new one. `protocol`: "tcp", "tcp-tls".
void countConnection(std::string_view to, std::string_view protocol, bool reused);

// `labels`: the server's and the zone's, such as `server="dns://10.96.0.10:53"`.
void renderForwardCounts(base::metrics::Format format, const std::string& server, std::string& to);
std::vector<const base::metrics::FamilyBase*> forwardFamilies();

}  // namespace wherry::clusterdns

#include "clusterdns/forward_metrics.h"

#include <fmt/format.h>

namespace wherry::clusterdns {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Format;
using base::metrics::Histogram;

// CoreDNS's: 0.25 ms, doubled up to 8 s.
constexpr double kBounds[] = {0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032,
                              0.064,   0.128,  0.256, 0.512, 1.024, 2.048, 4.096, 8.192};
constexpr std::string_view kProxyName = "forward";

Family<Histogram>& durations() {
  static Family<Histogram> family{"coredns_proxy_request_duration_seconds",
                                  "From a question to a resolver to its answer.",
                                  {"proxy_name", "to", "rcode"},
                                  kBounds};
  return family;
}

Family<Counter>& failures() {
  static Family<Counter> family{
      "wherry_dns_upstream_failures_total", "Questions that a resolver did not answer.", {"to"}};
  return family;
}

Family<Counter>& connectionHits() {
  static Family<Counter> family{"coredns_proxy_conn_cache_hits_total",
                                "Questions over TCP and TLS that found a connection.",
                                {"proxy_name", "to", "proto"}};
  return family;
}

Family<Counter>& connectionMisses() {
  static Family<Counter> family{"coredns_proxy_conn_cache_misses_total",
                                "Questions over TCP and TLS that needed a connection of their own.",
                                {"proxy_name", "to", "proto"}};
  return family;
}

}  // namespace

ForwardCounts& forwardCounts() {
  static ForwardCounts counts;
  return counts;
}

void countUpstream(std::string_view to, dns::Rcode rcode, std::chrono::nanoseconds took) {
  std::string_view name = dns::rcodeName(rcode);
  durations().with({kProxyName, to, name}).observe(std::chrono::duration<double>(took).count());
}

void countUpstreamFailure(std::string_view to) { failures().with({to}).add(); }

void countConnection(std::string_view to, std::string_view protocol, bool reused) {
  (reused ? connectionHits() : connectionMisses()).with({kProxyName, to, protocol}).add();
}

void renderForwardCounts(Format format, const std::string& server, std::string& to) {
  const ForwardCounts& counts = forwardCounts();
  std::string zone = fmt::format(R"(server="{}",zones=".",view="")", server),
              own = fmt::format(R"(server="{}")", server);
  auto one = [&](std::string_view name, const char* help, const std::string& labels, const Counter& counter) {
    base::metrics::renderRead(format, name, "counter", help,
                              {{fmt::format("{{{}}}", labels), static_cast<double>(counter.value())}}, to);
  };
  auto both = [&](std::string_view name, const char* type, const char* help, const auto& pair) {
    auto series = [&](const char* kind, size_t index) {
      return std::pair(fmt::format(R"({{server="{}",type="{}",zones=".",view=""}})", server, kind),
                       static_cast<double>(pair[index].value()));
    };
    base::metrics::renderRead(format, name, type, help, {series("success", 0), series("denial", 1)}, to);
  };
  both("coredns_cache_entries", "gauge", "Answers of resolvers that are kept.", counts.entries);
  both("coredns_cache_hits_total", "counter", "Questions answered out of the cache.", counts.hits);
  both("coredns_cache_evictions_total", "counter", "Answers that made room for others.", counts.evictions);
  one("coredns_cache_requests_total", "Questions for names outside of the cluster.", zone, counts.requests);
  one("coredns_cache_misses_total", "Questions that were not in the cache.", zone, counts.misses);
  one("coredns_cache_prefetch_total", "Popular answers asked for again before their end.", zone, counts.prefetches);
  one("coredns_cache_served_stale_total", "Questions answered with what had expired.", zone, counts.servedStale);
  one("coredns_cache_drops_total", "Packets that were no answer to what was asked.", zone, counts.dropped);
  one("coredns_hosts_hits_total", "Questions answered out of hosts entries.", own, counts.hosts);
  one("coredns_autopath_success_total", "Questions answered for a whole search path.", own, counts.searched);
  one("coredns_forward_max_concurrent_rejects_total", "Questions refused since too many were under way.", own,
      counts.rejected);
  one("coredns_forward_healthcheck_broken_total", "Questions asked while every resolver was down.", own,
      counts.allDown);
}

std::vector<const base::metrics::FamilyBase*> forwardFamilies() {
  return {&durations(), &failures(), &connectionHits(), &connectionMisses()};
}

}  // namespace wherry::clusterdns

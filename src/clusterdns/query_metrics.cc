#include "clusterdns/query_metrics.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/guarded.h"
#include "clusterdns/forward_metrics.h"
#include "dns/record.h"

namespace wherry::clusterdns {
namespace {

using base::metrics::Family;
using base::metrics::Format;
using base::metrics::Histogram;
using dns::Rcode;
using dns::Type;

// By number; what is not among them is "other".
constexpr std::array kCounted = {Type::kA,     Type::kNs,   Type::kCname, Type::kSoa, Type::kPtr,
                                 Type::kMx,    Type::kTxt,  Type::kAaaa,  Type::kSrv, Type::kSvcb,
                                 Type::kHttps, Type::kIxfr, Type::kAxfr,  Type::kAny};

size_t indexOf(Type type) {
  auto at = std::find(kCounted.begin(), kCounted.end(), type);
  return static_cast<size_t>(at - kCounted.begin());
}

std::string typeLabel(size_t index) { return index < kCounted.size() ? dns::typeName(kCounted[index]) : "other"; }

constexpr double kProgrammingBounds[] = {0.001, 0.002, 0.004, 0.008, 0.016,  0.032,  0.064,  0.128,   0.256,   0.512,
                                         1.024, 2.048, 4.096, 8.192, 16.384, 32.768, 65.536, 131.072, 262.144, 524.288};

struct Shared {
  std::vector<std::shared_ptr<QueryCounts>> threads;
  std::string server = "dns://.:53", domain = ".";
};

base::Guarded<Shared>& shared() {
  static base::Guarded<Shared> all;
  return all;
}

}  // namespace

void QueryCounts::countRequest(Transport transport, bool v6, AskedZone zone, Type type) {
  static_assert(kCounted.size() + 1 == kTypes);

  bump(requests_[static_cast<size_t>(transport)][v6 ? 1 : 0][static_cast<size_t>(zone)][indexOf(type)]);
}

void QueryCounts::countResponse(AskedZone zone, Rcode rcode, std::chrono::nanoseconds took) {
  auto of = static_cast<size_t>(zone);
  bump(responses_[of][std::min(static_cast<size_t>(rcode), kRcodes - 1)]);
  size_t bound = 0;
  for (std::chrono::nanoseconds most{250'000}; bound < kBounds && took > most; most *= 2) ++bound;
  bump(durations_[of][bound]);
  bump(nanoseconds_[of], static_cast<uint64_t>(std::max<int64_t>(took.count(), 0)));
}

void QueryCounts::countReply(std::string_view response, base::MonotonicTime arrived) {
  constexpr size_t kRcodeAt = 3;  // RFC 1035 section 4.1.1
  if (response.size() < dns::kHeaderSize) return;
  countResponse(AskedZone::kOther, static_cast<Rcode>(response[kRcodeAt] & 15),
                base::Clock::system().monotonicNow() - arrived);
}

std::shared_ptr<QueryCounts> newQueryCounts() {
  auto counts = std::make_shared<QueryCounts>();
  shared().with([&](Shared& all) { all.threads.push_back(counts); });
  return counts;
}

void nameServer(std::string server, std::string domain) {
  shared().with([&](Shared& all) {
    all.server = std::move(server);
    all.domain = std::move(domain);
  });
}

// All of them in one, since they are read from the same numbers.
class QueryFamilies : public base::metrics::FamilyBase {
 public:
  const std::string& name() const override {
    static const std::string kName = "coredns_dns";
    return kName;
  }

  void render(Format format, std::string& to) const override {
    Shared all = shared().with([](const Shared& now) { return now; });
    if (all.threads.empty()) return;
    renderRequests(all, format, to);
    renderResponses(all, format, to);
    renderDurations(all, format, to);
    uint64_t limited = 0;
    for (const auto& thread : all.threads) limited += thread->limited_.load(std::memory_order_relaxed);
    base::metrics::renderRead(format, "wherry_dns_rate_limited_total", "counter",
                              "Queries that were not answered over UDP since their address had too many.",
                              {{fmt::format("{{server=\"{}\"}}", all.server), static_cast<double>(limited)}}, to);
    renderForwardCounts(format, all.server, to);
  }

 private:
  using Series = std::vector<std::pair<std::string, double>>;

  template <typename Read>
  static uint64_t sum(const Shared& all, Read read) {
    uint64_t total = 0;
    for (const auto& thread : all.threads) total += read(*thread).load(std::memory_order_relaxed);
    return total;
  }

  static std::string zoneName(const Shared& all, size_t zone) { return zone == 0 ? all.domain : "."; }

  // Only what has happened: most of the combinations never do.
  static void renderRequests(const Shared& all, Format format, std::string& to) {
    Series series;
    for (size_t transport = 0; transport < 2; ++transport) {
      for (size_t family = 0; family < 2; ++family) {
        for (size_t zone = 0; zone < 2; ++zone) {
          for (size_t type = 0; type < QueryCounts::kTypes; ++type) {
            uint64_t count = sum(
                all, [&](const QueryCounts& c) -> const auto& { return c.requests_[transport][family][zone][type]; });
            if (count == 0) continue;
            series.emplace_back(
                fmt::format(R"({{server="{}",zone="{}",view="",proto="{}",family="{}",type="{}"}})", all.server,
                            zoneName(all, zone), transport == 0 ? "udp" : "tcp", family + 1, typeLabel(type)),
                static_cast<double>(count));
          }
        }
      }
    }
    base::metrics::renderRead(format, "coredns_dns_requests_total", "counter", "Queries, by zone and type.", series,
                              to);
  }

  static void renderResponses(const Shared& all, Format format, std::string& to) {
    Series series;
    for (size_t zone = 0; zone < 2; ++zone) {
      for (size_t rcode = 0; rcode < QueryCounts::kRcodes; ++rcode) {
        uint64_t count = sum(
            all, [&](const QueryCounts& c) -> const auto& { return c.responses_[zone][rcode]; });
        if (count == 0) continue;
        series.emplace_back(
            fmt::format(R"({{server="{}",zone="{}",view="",rcode="{}",plugin="{}"}})", all.server, zoneName(all, zone),
                        dns::rcodeName(static_cast<Rcode>(rcode)), zone == 0 ? "kubernetes" : "forward"),
            static_cast<double>(count));
      }
    }
    base::metrics::renderRead(format, "coredns_dns_responses_total", "counter", "Answers, by zone and rcode.", series,
                              to);
  }

  static void renderDurations(const Shared& all, Format format, std::string& to) {
    constexpr std::string_view kName = "coredns_dns_request_duration_seconds";
    base::metrics::detail::renderHead(format, kName, Histogram::kType, "From a query's arrival to its answer.", to);
    for (size_t zone = 0; zone < 2; ++zone) {
      std::string labels = fmt::format(R"(server="{}",zone="{}",view="")", all.server, zoneName(all, zone));
      uint64_t total = 0;
      for (size_t bound = 0; bound <= QueryCounts::kBounds; ++bound) {
        total += sum(
            all, [&](const QueryCounts& c) -> const auto& { return c.durations_[zone][bound]; });
        std::string le = bound < QueryCounts::kBounds ? fmt::format("{}", QueryCounts::boundSeconds(bound)) : "+Inf";
        to += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", kName, labels, le, total);
      }
      uint64_t nanoseconds = sum(
          all, [&](const QueryCounts& c) -> const auto& { return c.nanoseconds_[zone]; });
      to += fmt::format("{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", kName, labels,
                        static_cast<double>(nanoseconds) / 1e9, total);
    }
  }
};

namespace {

Family<Histogram>& programming() {
  static Family<Histogram> family{"coredns_kubernetes_dns_programming_duration_seconds",
                                  "From a change of a pod or EndpointSlice to the answers that hold it.",
                                  {"service_kind"},
                                  kProgrammingBounds};
  return family;
}

}  // namespace

void countProgramming(std::string_view serviceKind, std::chrono::nanoseconds took) {
  programming().with({serviceKind}).observe(std::chrono::duration<double>(took).count());
}

std::vector<const base::metrics::FamilyBase*> dnsFamilies() {
  static const QueryFamilies queries;
  std::vector<const base::metrics::FamilyBase*> families = forwardFamilies();
  families.insert(families.end(), {&queries, &programming()});
  return families;
}

}  // namespace wherry::clusterdns

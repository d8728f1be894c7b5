#include "apiserver/telemetry/request_metrics.h"

#include <algorithm>
#include <array>

namespace wherry::apiserver {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Gauge;
using base::metrics::Histogram;

constexpr double kSeconds[] = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1,  1.25, 1.5, 2,
                               3,     4,     5,    6,   8,   10,  15,  20,  30, 45,   60};
constexpr double kBytes[] = {1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

struct Families {
  Family<Counter> total{
      "apiserver_request_total",
      "Requests that were answered, by verb, dry run, group, version, resource, scope, component and HTTP code.",
      {"verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component", "code"}};
  Family<Histogram> duration{"apiserver_request_duration_seconds",
                             "How long requests took.",
                             {"verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"},
                             kSeconds};
  Family<Histogram> sizes{"apiserver_response_sizes",
                          "Bytes of the answers to reads.",
                          {"verb", "group", "version", "resource", "subresource", "scope", "component"},
                          kBytes};
  Family<Counter> terminations{"apiserver_request_terminations_total",
                               "Requests that the server ended to protect itself.",
                               {"verb", "group", "version", "resource", "subresource", "scope", "component", "code"}};
  Family<Gauge> inflight{"apiserver_current_inflight_requests", "Requests under way.", {"request_kind"}};
  Family<Gauge> lasting{"apiserver_longrunning_requests",
                        "Watches and other streams under way.",
                        {"verb", "group", "version", "resource", "subresource", "scope", "component"}};
  Family<Counter> watchEvents{
      "apiserver_watch_events_total", "Events sent to watchers.", {"group", "version", "resource"}};
  Family<Counter> initEvents{
      "apiserver_init_events_total", "Events of the state that watches begin with.", {"group", "version", "resource"}};
  Family<Histogram> watchSizes{
      "apiserver_watch_events_sizes", "Bytes of events.", {"group", "version", "resource"}, kBytes};
  Family<Counter> audited{"apiserver_audit_event_total", "Events written to the audit log.", {}};
  Family<Counter> unaudited{"apiserver_audit_error_total", "Events that the audit log had no room for.", {"plugin"}};
};

Families& families() {
  static Families all;
  return all;
}

constexpr std::string_view kComponent = "apiserver";

std::string_view verbLabel(const RequestInfo& info, std::string_view method) {
  static constexpr std::array<std::string_view, 5> kConnects = {"exec", "attach", "portforward", "proxy", "log"};
  if (!info.isResource) return method;
  bool connects = std::find(kConnects.begin(), kConnects.end(), info.subresource) != kConnects.end();
  if (connects && info.subresource != "log") return "CONNECT";
  switch (info.verb) {
    case Verb::kGet:
      return "GET";
    case Verb::kList:
      return "LIST";
    case Verb::kWatch:
      return "WATCH";
    case Verb::kCreate:
      return "POST";
    case Verb::kUpdate:
      return "PUT";
    case Verb::kPatch:
      return "PATCH";
    case Verb::kDelete:
      return "DELETE";
    case Verb::kDeleteCollection:
      return "DELETECOLLECTION";
    default:
      return "OTHER";
  }
}

// Of paths that are no resources only those that there are.
std::string pathLabel(std::string_view path) {
  static constexpr std::array<std::string_view, 8> kPaths = {"/healthz", "/livez", "/readyz", "/metrics",
                                                             "/version", "/api",   "/apis",   "/openapi"};
  for (auto each : kPaths) {
    if (path == each || path.starts_with(std::string(each) + "/")) return std::string(each);
  }
  return {};
}

bool lasts(const RequestInfo& info) {
  if (info.verb == Verb::kWatch) return true;
  if (info.subresource == "log") return info.query.flag("follow");
  return info.subresource == "exec" || info.subresource == "attach" || info.subresource == "portforward" ||
         info.subresource == "proxy";
}

}  // namespace

RequestLabels labelsOf(const RequestInfo& info, std::string_view method, const schema::Registry& kinds) {
  RequestLabels labels;
  bool reads = method == "GET" || method == "HEAD" || method == "OPTIONS";
  bool known = reads || method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
  labels.verb = known ? verbLabel(info, method) : "OTHER";
  labels.mutating = !reads;
  if (!info.isResource) {
    labels.subresource = pathLabel(info.path);
    return labels;
  }
  auto kind = kinds.findResource(info.group, info.version, info.resource);
  if (!kind) return labels;
  labels.lasting = lasts(info);
  labels.group = info.group;
  labels.version = info.version;
  labels.resource = info.resource;
  if (kind->findSubresource(info.subresource)) labels.subresource = info.subresource;
  labels.scope = !info.name.empty() ? "resource" : !info.ns.empty() ? "namespace" : "cluster";
  if (info.query.has("dryRun")) labels.dryRun = "All";
  return labels;
}

void countStarted(const RequestLabels& l) {
  auto& all = families();
  if (l.lasting) {
    all.lasting.with({l.verb, l.group, l.version, l.resource, l.subresource, l.scope, kComponent}).add(1);
  } else {
    all.inflight.with({l.mutating ? "mutating" : "readOnly"}).add(1);
  }
}

void countEnded(const RequestLabels& l, int code, std::chrono::nanoseconds took, uint64_t bytes) {
  auto& all = families();
  std::string codeText = std::to_string(code);
  if (l.lasting) {
    all.lasting.with({l.verb, l.group, l.version, l.resource, l.subresource, l.scope, kComponent}).add(-1);
  } else {
    all.inflight.with({l.mutating ? "mutating" : "readOnly"}).add(-1);
  }
  all.total.with({l.verb, l.dryRun, l.group, l.version, l.resource, l.subresource, l.scope, kComponent, codeText})
      .add();
  all.duration.with({l.verb, l.dryRun, l.group, l.version, l.resource, l.subresource, l.scope, kComponent})
      .observe(std::chrono::duration<double>(took).count());
  if (l.verb == "GET" || l.verb == "LIST") {
    all.sizes.with({l.verb, l.group, l.version, l.resource, l.subresource, l.scope, kComponent})
        .observe(static_cast<double>(bytes));
  }
  if (code == 429 || code == 504) {
    all.terminations.with({l.verb, l.group, l.version, l.resource, l.subresource, l.scope, kComponent, codeText}).add();
  }
}

void countWatchEvent(const schema::Kind& kind, uint64_t bytes, bool initial) {
  const auto& resource = kind.resource;
  auto& all = families();
  all.watchEvents.with({resource.group, resource.version, resource.resource}).add();
  all.watchSizes.with({resource.group, resource.version, resource.resource}).observe(static_cast<double>(bytes));
  if (initial) all.initEvents.with({resource.group, resource.version, resource.resource}).add();
}

void countAuditEvent(bool dropped) {
  if (dropped) {
    families().unaudited.with({"log"}).add();
  } else {
    families().audited.with({}).add();
  }
}

std::vector<const base::metrics::FamilyBase*> requestFamilies() {
  auto& all = families();
  return {&all.total,       &all.duration,   &all.sizes,      &all.terminations, &all.inflight, &all.lasting,
          &all.watchEvents, &all.initEvents, &all.watchSizes, &all.audited,      &all.unaudited};
}

}  // namespace wherry::apiserver

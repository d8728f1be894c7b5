#include "ingress/route_counters.h"

#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "ingress/frontend_text.h"

namespace wherry::ingress {
namespace {

using base::metrics::Format;

const base::Log kLog("ingress");

uint64_t numberOf(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

using Series = std::vector<std::pair<std::string, double>>;

template <typename Map, typename F>
void renderEach(Format format, const char* name, const char* help, const Map& counts, F&& valueOf, std::string& to) {
  Series series;
  for (const auto& [labels, each] : counts) series.emplace_back(labels, static_cast<double>(valueOf(each)));
  base::metrics::renderRead(format, name, "counter", help, series, to);
}

base::Guarded<std::weak_ptr<RouteCounters>>& present() {
  static base::Guarded<std::weak_ptr<RouteCounters>> counters;
  return counters;
}

class RouteFamily : public base::metrics::FamilyBase {
 public:
  const std::string& name() const override { return name_; }
  void render(Format format, std::string& to) const override {
    if (auto counters = present().copy().lock()) to += counters->read(format);
  }

 private:
  const std::string name_ = "wherry_ingress_requests_total";
};

}  // namespace

RouteCounts& RouteCounts::operator+=(const RouteCounts& other) {
  requests += other.requests;
  clientErrors += other.clientErrors;
  serverErrors += other.serverErrors;
  bytesIn += other.bytesIn;
  bytesOut += other.bytesOut;
  return *this;
}

BackendCounts& BackendCounts::operator+=(const BackendCounts& other) {
  for (const auto& [code, number] : other.responses) responses[code] += number;
  connectionErrors += other.connectionErrors;
  retries += other.retries;
  return *this;
}

// "0x55: key=r80-0 use=0 exp=0 http_req_cnt=3 ..."
std::map<std::string, RouteCounts> readRouteTable(std::string_view answer) {
  std::map<std::string, RouteCounts> routes;
  for (std::string_view line : base::split(answer, '\n')) {
    std::map<std::string_view, std::string_view> values;
    for (std::string_view word : base::split(line, ' ')) {
      size_t equals = word.find('=');
      if (equals != std::string_view::npos) values[word.substr(0, equals)] = word.substr(equals + 1);
    }
    if (line.starts_with('#') || !values.contains("key")) continue;
    routes[std::string(values["key"])] = {numberOf(values["http_req_cnt"]), numberOf(values["http_err_cnt"]),
                                          numberOf(values["http_fail_cnt"]), numberOf(values["bytes_in_cnt"]),
                                          numberOf(values["bytes_out_cnt"])};
  }
  return routes;
}

// Comma-separated values, with the names of the columns in the first line: "# pxname,svname,...".
std::map<std::string, BackendCounts> readStatistics(std::string_view answer) {
  std::map<std::string, BackendCounts> backends;
  std::vector<std::string_view> columns;
  for (std::string_view line : base::split(answer, '\n')) {
    auto cells = base::split(line, ',');
    if (line.starts_with("# ")) {
      cells[0].remove_prefix(2);
      columns = cells;
      continue;
    }
    std::map<std::string, std::string_view> values;
    for (size_t i = 0; i < cells.size() && i < columns.size(); ++i) values[std::string(columns[i])] = cells[i];
    // Ours have a ':' in their names; our own tables are backends without traffic.
    bool isService = values["svname"] == "BACKEND" && values["pxname"].find(':') != std::string_view::npos;
    if (!isService || values["pxname"].ends_with(":second") || values["pxname"].ends_with(":minute")) continue;
    BackendCounts& counts = backends[std::string(values["pxname"])];
    for (const char* code : {"1xx", "2xx", "3xx", "4xx", "5xx"}) {
      counts.responses[code] = numberOf(values[std::string("hrsp_") + code]);
    }
    counts.connectionErrors = numberOf(values["econ"]);
    counts.retries = numberOf(values["wretr"]);
  }
  return backends;
}

void RouteCounters::follow(Totals before, std::optional<AdminSocket> admin, std::map<std::string, RouteLabel> routes) {
  source_.with([&](Source& source) { source = {std::move(admin), std::move(routes), std::move(before)}; });
}

RouteCounters::Totals RouteCounters::count() const {
  const Source source = source_.copy();
  constexpr std::array<std::string_view, 6> kNames = {"kind", "namespace", "name", "host", "path", "service"};
  Totals totals = source.before;
  if (!source.admin) return totals;
  try {
    for (const auto& [id, counts] : readRouteTable(source.admin->ask(fmt::format("show table {}", kRouteTable)))) {
      auto route = source.routes.find(id);
      if (route == source.routes.end()) continue;
      const RouteLabel& label = route->second;
      std::array<std::string_view, 6> values = {
          label.origin.kind, label.origin.nameSpace, label.origin.name, label.host, label.path, label.service};
      totals.routes[base::metrics::renderLabels(kNames, values)] += counts;
    }
    for (const auto& [name, counts] : readStatistics(source.admin->ask("show stat -1 2 -1"))) {
      totals.backends[name] += counts;
    }
  } catch (const std::exception& error) {
    kLog.warn("HAProxy's counters: {}", error.what());
  }
  return totals;
}

std::string RouteCounters::read(Format format) const {
  Totals totals = count();
  std::string text;
  auto routes = [&](const char* name, const char* help, uint64_t RouteCounts::*member) {
    renderEach(
        format, name, help, totals.routes, [&](const RouteCounts& counts) { return counts.*member; }, text);
  };
  routes("wherry_ingress_requests_total", "Requests that came by this route.", &RouteCounts::requests);
  routes("wherry_ingress_client_errors_total", "Of them, answered with 4xx.", &RouteCounts::clientErrors);
  routes("wherry_ingress_server_errors_total", "Of them, answered with 5xx or not at all.", &RouteCounts::serverErrors);
  routes("wherry_ingress_received_bytes_total", "Bytes of these requests.", &RouteCounts::bytesIn);
  routes("wherry_ingress_sent_bytes_total", "Bytes of their answers.", &RouteCounts::bytesOut);
  Series responses, errors, retries;
  for (const auto& [name, counts] : totals.backends) {
    constexpr std::array<std::string_view, 2> kNames = {"backend", "code"};
    for (const auto& [code, number] : counts.responses) {
      std::array<std::string_view, 2> values = {name, code};
      responses.emplace_back(base::metrics::renderLabels(kNames, values), number);
    }
    std::array<std::string_view, 1> values = {name};
    std::string labels = base::metrics::renderLabels(std::span(kNames).first(1), values);
    errors.emplace_back(labels, counts.connectionErrors);
    retries.emplace_back(labels, counts.retries);
  }
  base::metrics::renderRead(format, "wherry_ingress_backend_responses_total", "counter",
                            "Answers of a backend (namespace:service:port).", responses, text);
  base::metrics::renderRead(format, "wherry_ingress_backend_connection_errors_total", "counter",
                            "Connections to a backend that failed.", errors, text);
  base::metrics::renderRead(format, "wherry_ingress_backend_retries_total", "counter",
                            "Connections to a backend that were tried again.", retries, text);
  return text;
}

std::vector<const base::metrics::FamilyBase*> metricFamilies() {
  static const RouteFamily family;
  return {&family};
}

void showInMetrics(const std::shared_ptr<RouteCounters>& counters) {
  present().with([&](std::weak_ptr<RouteCounters>& shown) { shown = counters; });
}

}  // namespace wherry::ingress

#include "base/metrics.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace wherry::base::metrics {
namespace {

std::string number(double value) {
  if (std::floor(value) == value && std::abs(value) < 1e15) return fmt::format("{}", static_cast<int64_t>(value));
  return fmt::format("{}", value);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// {a="1"} and le="2" make {a="1",le="2"}
std::string withBound(std::string_view labels, const std::string& bound) {
  if (labels.empty()) return fmt::format("{{le=\"{}\"}}", bound);
  return fmt::format("{},le=\"{}\"}}", labels.substr(0, labels.size() - 1), bound);
}

// In OpenMetrics a counter's family has no _total, its samples have.
std::string_view familyName(Format format, std::string_view name, std::string_view type) {
  bool total = format == Format::kOpenMetrics && type == Counter::kType && name.ends_with("_total");
  return total ? name.substr(0, name.size() - 6) : name;
}

}  // namespace

size_t ownSlot() {
  static std::atomic<size_t> next{0};
  thread_local const size_t slot = next.fetch_add(1, std::memory_order_relaxed) % kSlots;
  return slot;
}

void Histogram::observe(double amount) {
  auto at = std::lower_bound(bounds_.begin(), bounds_.end(), amount);
  counts_[static_cast<size_t>(at - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  micro_.add(static_cast<uint64_t>(std::max(0.0, amount) * 1e6));
}

std::vector<uint64_t> Histogram::cumulative() const {
  std::vector<uint64_t> sums;
  uint64_t total = 0;
  for (const auto& count : counts_) sums.push_back(total += count.load(std::memory_order_relaxed));
  return sums;
}

std::string renderLabels(std::span<const std::string_view> names, std::span<const std::string_view> values) {
  if (names.empty()) return {};
  std::string text = "{";
  for (size_t i = 0; i < names.size() && i < values.size(); ++i) {
    if (i > 0) text += ',';
    text.append(names[i]).append("=\"").append(escaped(values[i])).append("\"");
  }
  return text + "}";
}

void renderRead(Format format, std::string_view name, const char* type, std::string_view help,
                const std::vector<std::pair<std::string, double>>& series, std::string& to) {
  if (series.empty()) return;
  detail::renderHead(format, name, type, help, to);
  for (const auto& [labels, value] : series) to.append(fmt::format("{}{} {}\n", name, labels, number(value)));
}

std::string_view pageEnd(Format format) { return format == Format::kOpenMetrics ? "# EOF\n" : ""; }

std::string_view contentType(Format format) {
  return format == Format::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                        : "text/plain; version=0.0.4; charset=utf-8";
}

Format chooseFormat(std::string_view accept) {
  return accept.find("application/openmetrics-text") == std::string_view::npos ? Format::kPrometheus
                                                                               : Format::kOpenMetrics;
}

namespace detail {

void renderHead(Format format, std::string_view name, const char* type, std::string_view help, std::string& to) {
  auto family = familyName(format, name, type);
  to.append(fmt::format("# HELP {} {}\n# TYPE {} {}\n", family, help, family, type));
}

void renderSeries(Format, std::string_view name, std::string_view labels, const Counter& counter, std::string& to) {
  to.append(fmt::format("{}{} {}\n", name, labels, counter.value()));
}

void renderSeries(Format, std::string_view name, std::string_view labels, const Gauge& gauge, std::string& to) {
  to.append(fmt::format("{}{} {}\n", name, labels, gauge.value()));
}

void renderSeries(Format, std::string_view name, std::string_view labels, const Histogram& histogram, std::string& to) {
  auto counts = histogram.cumulative();
  auto bounds = histogram.bounds();
  for (size_t i = 0; i < counts.size(); ++i) {
    auto bound = i < bounds.size() ? number(bounds[i]) : "+Inf";
    to.append(fmt::format("{}_bucket{} {}\n", name, withBound(labels, bound), counts[i]));
  }
  to.append(fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", name, labels, number(histogram.sum()), counts.back()));
}

}  // namespace detail
}  // namespace wherry::base::metrics

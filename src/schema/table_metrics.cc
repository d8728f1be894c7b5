#include "meta/quantity.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;

// What all containers use together.
Value sumOf(const Value& podMetrics, std::string_view usage) {
  meta::Quantity sum;
  for (const Value& container : arrayAt(podMetrics, "containers")) {
    auto used = meta::Quantity::parse(json::getString(container, usage));
    if (used) sum = sum + *used;
  }
  return Value(sum.text());
}

Value podMetricsCpu(const Value& podMetrics, base::WallTime) { return sumOf(podMetrics, "usage.cpu"); }
Value podMetricsMemory(const Value& podMetrics, base::WallTime) { return sumOf(podMetrics, "usage.memory"); }

constexpr NamedCell kCells[] = {
    {"podMetricsCpu", podMetricsCpu},
    {"podMetricsMemory", podMetricsMemory},
};

}  // namespace

std::span<const NamedCell> metricsCells() { return kCells; }

}  // namespace wherry::schema

// Cells of tables that a JSONPath can't say: functions that the columns of a kind name as `hook` (api/). Each takes the
// whole object and answers what `kubectl get` shows. Pure.
//
// A new one: a function and a line in the table at the end of its file; a new file: a line in table_cells.cc too.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.h"
#include "json/value.h"

namespace wherry::schema {

using CellFunction = json::Value (*)(const json::Value& object, base::WallTime now);

struct NamedCell {
  std::string_view hook;
  CellFunction render;
};

// Null when there is no such hook.
CellFunction findCell(std::string_view hook);

std::span<const NamedCell> commonCells();  // age, counts, labels, selectors, containers
std::span<const NamedCell> podCells();
std::span<const NamedCell> workloadCells();  // deployments, jobs, disruption budgets
std::span<const NamedCell> autoscalingCells();
std::span<const NamedCell> serviceCells();  // services, endpoints, ingresses, network policies
std::span<const NamedCell> nodeCells();     // nodes and component statuses
std::span<const NamedCell> storageCells();  // volumes, claims, classes, CSI
std::span<const NamedCell> eventCells();
std::span<const NamedCell> metricsCells();
std::span<const NamedCell> controlCells();  // roles, quotas, priorities, webhooks, certificates

}  // namespace wherry::schema

#include "schema/table_cells.h"

#include <map>

namespace wherry::schema {
namespace {

std::map<std::string_view, CellFunction> indexCells() {
  std::map<std::string_view, CellFunction> index;
  for (auto list : {commonCells(), podCells(), workloadCells(), autoscalingCells(), serviceCells(), nodeCells(),
                    storageCells(), eventCells(), metricsCells(), controlCells()}) {
    for (const NamedCell& cell : list) index.emplace(cell.hook, cell.render);
  }
  return index;
}

}  // namespace

CellFunction findCell(std::string_view hook) {
  static const std::map<std::string_view, CellFunction> kIndex = indexCells();
  auto found = kIndex.find(hook);
  return found == kIndex.end() ? nullptr : found->second;
}

}  // namespace wherry::schema

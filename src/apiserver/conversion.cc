#include "apiserver/conversion.h"

#include <algorithm>
#include <array>

namespace wherry::apiserver {
namespace {

constexpr std::array<Conversion, 4> kConversions = {{
    {"event", eventToStored, eventFromStored},
    {"hpa", autoscalerToStored, autoscalerFromStored},
    {"endpointslice-v1beta1", endpointSliceToStored, endpointSliceFromStored},
    {"pdb-v1beta1", disruptionBudgetToStored, disruptionBudgetFromStored},
}};

}  // namespace

const Conversion* conversionOf(const schema::Kind& kind) {
  if (kind.conversion.empty()) return nullptr;
  auto found = std::find_if(kConversions.begin(), kConversions.end(),
                            [&](const Conversion& each) { return each.name == kind.conversion; });
  return found == kConversions.end() ? nullptr : &*found;
}

}  // namespace wherry::apiserver

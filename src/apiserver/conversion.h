// Versions of a kind that differ in their fields from the one that is stored: a pair of functions each, named in the
// kind's YAML (`conversion: hpa-v1`). Versions with the same fields need none.
#pragma once

#include <string_view>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::apiserver {

struct Conversion {
  std::string_view name;
  void (*toStored)(json::Value& object);    // from this version to the stored one
  void (*fromStored)(json::Value& object);  // and back
};

// Null when the kind's fields are the stored ones.
const Conversion* conversionOf(const schema::Kind& kind);

// One file each.
void eventToStored(json::Value& object);  // events.k8s.io/v1 <-> core/v1
void eventFromStored(json::Value& object);
void autoscalerToStored(json::Value& object);  // autoscaling/v1 <-> autoscaling/v2
void autoscalerFromStored(json::Value& object);
void endpointSliceToStored(json::Value& object);  // discovery.k8s.io/v1beta1 <-> v1
void endpointSliceFromStored(json::Value& object);
void disruptionBudgetToStored(json::Value& object);  // policy/v1beta1 <-> v1
void disruptionBudgetFromStored(json::Value& object);

}  // namespace wherry::apiserver

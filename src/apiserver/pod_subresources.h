// What is done to a pod through its own subresources: binding it to a node, evicting it.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/written.h"
#include "json/value.h"

namespace wherry::apiserver {

// POST pods/x/binding (or bindings): `context` names the pod, `binding` is a core/v1 Binding.
void bindPod(Backend& backend, WriteContext context, const json::Value& binding, OnWritten done);

// POST pods/x/eviction: a policy/v1 Eviction. Refused with 429 while a PodDisruptionBudget allows no disruption.
void evictPod(Backend& backend, WriteContext context, const json::Value& eviction, OnWritten done);

}  // namespace wherry::apiserver

// What a DELETE does to an object: nothing, a mark (deletionTimestamp, finalizers), or its removal. Pure; the rules are
// those of Kubernetes' graceful deletion, finalizers and propagation policies.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "client/client.h"
#include "json/value.h"
#include "schema/kind.h"

namespace wherry::apiserver {

enum class DeletionStep {
  kKeep,    // it is on its way already
  kMark,    // store the object with its marks
  kRemove,  // take it out of the store
};

struct DeletionPlan {
  DeletionStep step;
  json::Value object;  // kMark: to be stored; else what the client is answered
};

DeletionPlan planDeletion(const schema::Kind& kind, const json::Value& stored, const client::DeleteOptions& options,
                          base::WallTime now);

// Whether a removal answers the object itself; most answer a Status.
bool answersDeletedObject(const schema::Kind& kind);

// Throws Forbidden for what may never be deleted: the system's namespaces.
void requireDeletable(const schema::Kind& kind, std::string_view name);

// Throws Conflict when a precondition does not hold.
void requirePreconditions(const schema::Kind& kind, const json::Value& stored, const client::DeleteOptions& options);

}  // namespace wherry::apiserver

// Patches that need the schema: strategic merge patch, and server-side apply with managed fields (KEP-555). Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "meta/status.h"
#include "schema/kind.h"

namespace wherry::schema {

// Strategic merge patch: merge keys and strategies of the schema, $patch, $retainKeys, $setElementOrder/x,
// $deleteFromPrimitiveList/x. Throws json::PatchError for a malformed one.
void applyStrategicMergePatch(const Node& schema, json::Value& document, const json::Value& patch);

// Who writes, as managedFields records it.
struct Manager {
  std::string name;  // fieldManager
  std::string apiVersion;
  std::string subresource;  // "" or "status", "scale"
  std::string time;         // now, RFC 3339
};

// Server-side apply: merges `applied` into `live` (null object when it does not exist), keeps metadata.managedFields,
// drops what this manager owned before and applies no more. Throws StatusError Conflict with a cause per field unless
// `force`, and one of code 500, as upstream does, when elements of a list in `applied` can't be told apart.
enum class Force { kNo, kYes };
json::Value serverSideApply(const Kind& kind, const json::Value& live, const json::Value& applied,
                            const Manager& manager, Force force);

// After any other write (update, patch): records in after.metadata.managedFields what `manager` changed against
// `before` (null for a create).
void recordUpdate(const Kind& kind, const json::Value& before, json::Value& after, const Manager& manager);

}  // namespace wherry::schema

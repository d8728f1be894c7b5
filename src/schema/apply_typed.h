// Objects as server-side apply sees them: the schema says which places are fields of their own, which lists have
// elements of their own, and what is one value (atomic). The rules are those of structured-merge-diff. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "json/value.h"
#include "schema/apply_field_set.h"
#include "schema/kind.h"

namespace wherry::schema {

// How two states of an object differ.
struct Comparison {
  FieldSet added;
  FieldSet modified;
  FieldSet removed;
  bool same() const { return added.empty() && modified.empty() && removed.empty(); }
  FieldSet changed() const;  // added and modified
};

// All fields of `value`.
FieldSet fieldsOf(const Node& schema, const json::Value& value);

// Fields that a built-in struct always has count as present with their zero value, as they do for Kubernetes, whose
// objects are structs.
Comparison compareObjects(const Node& schema, const json::Value& before, const json::Value& after);

// `applied` over `live`: scalars and atomic values are replaced, everything else is merged.
json::Value mergeApplied(const Node& schema, const json::Value& live, const json::Value& applied);

// `value` without the members of `fields`; null when nothing is left.
json::Value withoutFields(const Node& schema, const json::Value& value, const FieldSet& fields);

// `fields`, to which every struct's field on the way to a member is added as a member too.
FieldSet withNamedFields(const Node& schema, const FieldSet& fields);

}  // namespace wherry::schema

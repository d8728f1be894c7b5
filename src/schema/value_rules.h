// The rules that look at one value alone: enum, pattern, format, limits. Pure.
#pragma once

#include "json/value.h"
#include "meta/status.h"
#include "schema/kind.h"
#include "schema/object_path.h"

namespace wherry::schema {

// Adds what is wrong with a value of the right JSON type; the fields and items in it are not looked at.
void checkValue(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors);

}  // namespace wherry::schema

// Reads one file of api/ that describes a kind (all of it but its schema). Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

// Throws SchemaError that names the key which is wrong; unknown keys are.
Kind readKind(const json::Value& file);

// Where a kind's columns are written: by a kind of api/, and by a CustomResourceDefinition.
Column readColumn(const json::Value& column);

// What discovery calls storageVersionHash: clients compare it, and migrate objects when it changes.
std::string computeStorageVersionHash(const Kind& kind);

}  // namespace wherry::schema

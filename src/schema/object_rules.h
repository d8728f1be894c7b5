// What a Kind's schema does to an object: prune, default, validate. Pure; safe from any thread.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "meta/status.h"
#include "schema/kind.h"

namespace wherry::schema {

// Removes fields that the schema does not know and returns their paths ("spec.foo", "spec.containers[0].bar").
std::vector<std::string> prune(const Node& schema, json::Value& object);

// Fields of the wrong JSON type that Kubernetes' decoder refuses with 400 (a number where text belongs); the message is
// the decoder's ("json: cannot unmarshal number into Go struct field ..."). What has several spellings is given the one
// that is stored: 1.0 becomes the integer 1, quantities and times their canonical text. A custom kind's own fields are
// never refused here; validate() says what is wrong with them.
std::vector<std::string> checkTypes(const Node& schema, json::Value& object);

// Fills in defaults. What stands for no value is removed first: null (but where nullable says otherwise) and, in
// built-in structs, an optional list or map that is empty.
void applyDefaults(const Node& schema, json::Value& object);

// All rules (types only for custom kinds' fields): required, enum, pattern, limits, list keys unique, immutable (with
// `old`). CEL rules are not here.
meta::FieldErrors validate(const Node& schema, const json::Value& object, const json::Value* old = nullptr);

}  // namespace wherry::schema

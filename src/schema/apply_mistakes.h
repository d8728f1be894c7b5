// What server-side apply refuses before it merges anything: elements that it could not tell apart. Pure.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

// Each as `.spec.containers: duplicate entries for key [name="c"]`; at most kMaxFindings.
std::vector<std::string> applyMistakes(const Node& schema, const json::Value& applied);

}  // namespace wherry::schema

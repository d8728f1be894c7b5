// JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386). Pure.
#pragma once

#include <stdexcept>

#include "json/value.h"

namespace wherry::json {

// A patch that is malformed, or whose operation can't be done on this document ("test" failed, path missing).
struct PatchError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Applies all operations or throws PatchError; `document` is then unspecified. Limits: 10,000 operations, and 8 MiB
// that "copy" may add (each copy can double a document).
void applyJsonPatch(Value& document, const Value& operations);

void applyMergePatch(Value& document, const Value& patch);

}  // namespace wherry::json

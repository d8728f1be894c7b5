// What a write came to, and what it was asked as: the values that pass between the request handlers (HTTP or
// in-process) and the operations that write.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/audit/notes.h"
#include "meta/status.h"
#include "net/http.h"
#include "schema/kind.h"

namespace wherry::apiserver {

using UserPtr = std::shared_ptr<const User>;

enum class FieldValidation { kIgnore, kWarn, kStrict };

struct WriteContext {
  schema::KindPtr kind;
  std::string ns;
  std::string name;  // "" on create: the body says it
  std::string subresource;
  UserPtr user;
  bool dryRun = false;
  FieldValidation fieldValidation = FieldValidation::kWarn;
  std::string fieldManager;
  std::vector<std::string> duplicateFields;  // keys that stood twice in the body
  AuditNotesPtr notes = nullptr;             // null: nobody keeps them

  meta::GroupResource resource() const { return kind->resource.groupResource(); }
};

struct Written {
  int code = 200;
  std::optional<meta::StatusError> error;
  net::Bytes object;  // without TypeMeta when `kind` is set, else a whole object
  schema::KindPtr kind;
  std::vector<std::string> warnings;

  static Written failure(meta::StatusError error);
};

// Called exactly once, on the caller's thread or on the store's commit thread. Must be quick.
using OnWritten = std::function<void(Written)>;

}  // namespace wherry::apiserver

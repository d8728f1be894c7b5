// What every kind's metadata goes through on a write: server-owned fields are filled in or kept, the rest is checked.
// Pure: time and identifiers are arguments.
#pragma once

#include <string>
#include <string_view>

#include "json/value.h"
#include "meta/status.h"
#include "schema/kind.h"

namespace wherry::apiserver {

// The metadata of a body; throws BadRequest when it is not an object.
json::Object& requireMetadata(json::Value& object);

// Puts the request's namespace into the object, or throws BadRequest when they differ.
void matchNamespace(json::Value& object, std::string_view requestNamespace);
// Throws BadRequest when the body's name is missing or not the URL's.
void matchName(const json::Value& object, std::string_view name);

struct Birth {
  std::string uid;
  std::string time;    // RFC 3339
  std::string suffix;  // for generateName
};
// Names the object and stamps it: uid, creationTimestamp; what only the server sets is removed.
void stampCreated(json::Value& object, const Birth& birth);

// Takes over from the stored object what an update left out and may not change (uid, creationTimestamp, ...).
void keepIdentity(json::Value& object, const json::Value& old);

// Labels, annotations, names, owners, finalizers. `old` is null on create.
meta::FieldErrors validateMetadata(const schema::Kind& kind, const json::Value& object, const json::Value* old);

// Drops the maps and lists that are empty: they are not there in Kubernetes' answers either.
void dropEmptyMetadata(json::Value& object);

}  // namespace wherry::apiserver

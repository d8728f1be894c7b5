// Which part of an object a write may change: the main resource leaves status alone, a subresource changes nothing but
// its own fields. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::apiserver {

bool hasStatusSubresource(const schema::Kind& kind);

// On create: status is the server's to begin with.
void resetStatus(const schema::Kind& kind, json::Value& object);

// Takes status out where a subresource owns it, so that the creator is not recorded as its manager.
std::optional<json::Value> withholdStatus(const schema::Kind& kind, json::Value& object);

// Reduces `object`, an update of `old` through `subresource`, to the change that this subresource may make.
void isolateUpdate(const schema::Kind& kind, std::string_view subresource, json::Value& object, const json::Value& old);

// The same for a server-side apply's configuration, which is partial: what it may not own is dropped.
void isolateApplied(const schema::Kind& kind, std::string_view subresource, json::Value& applied);

}  // namespace wherry::apiserver

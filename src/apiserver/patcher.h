// Turns a PATCH's body into a Change (object_writer.h): JSON patch, merge patch, strategic merge patch, server-side
// apply.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/object_writer.h"
#include "apiserver/written.h"
#include "client/client.h"
#include "json/value.h"

namespace wherry::apiserver {

// By Content-Type; nothing when it is no patch type.
std::optional<client::PatchType> patchTypeOf(std::string_view contentType);

// Throws BadRequest when the body can't be read.
json::Value parsePatch(client::PatchType type, std::string_view body);

// Throws StatusError (415 for a strategic patch of a custom resource, 422 for an apply without fieldManager, ...).
Change changeOf(const Backend& backend, const WriteContext& context, client::PatchType type, json::Value patch,
                bool force);

}  // namespace wherry::apiserver

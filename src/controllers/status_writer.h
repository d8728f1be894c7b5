// Writes a status, unless it is what the object has already: an unchanged status costs nothing; and a status' counts.
#pragma once

#include "client/client.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::controllers {

// Null when nothing had to be written, or the object is gone; else the object as stored. Throws StatusError (Conflict
// when `object` is stale).
meta::ObjectPtr applyStatus(client::Client& client, const meta::Resource& resource, const meta::Object& object,
                            json::Object status);

// A count that is left out of the status when it is 0. Pure.
void setCount(json::Object& status, std::string_view name, int64_t count);

}  // namespace wherry::controllers

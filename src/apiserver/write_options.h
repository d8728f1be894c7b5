// The query parameters of writes (dryRun, fieldValidation, fieldManager) and their bodies. Pure.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/request_info.h"
#include "apiserver/written.h"
#include "json/value.h"
#include "net/http.h"

namespace wherry::apiserver {

// Fills in the context from the request. Throws Invalid for a value that is not supported.
void readWriteOptions(WriteContext& context, const RequestInfo& info, std::string_view userAgent);

// The body as JSON or YAML; what stands twice in it is noted in the context. Throws BadRequest, UnsupportedMediaType.
json::Value readBody(WriteContext& context, const net::Request& request);

}  // namespace wherry::apiserver

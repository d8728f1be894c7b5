// The filters of HTTPRoutes and GRPCRoutes: one thing each, and none twice. The standard writes these rules in CEL.
// Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "meta/status.h"

namespace wherry::apiserver {

// `filters`: what stands at `path` of a rule or of one of its backends.
void checkFilters(const json::Array& filters, const std::string& path, meta::FieldErrors& errors);

// A reference to a Service names a port of it.
void checkBackendPort(const json::Value& reference, const std::string& path, meta::FieldErrors& errors);

}  // namespace wherry::apiserver

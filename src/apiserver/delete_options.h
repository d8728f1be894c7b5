// meta/v1 DeleteOptions, as a body or in the query. Pure.
#pragma once

#include "apiserver/request_info.h"
#include "client/client.h"
#include "json/value.h"

namespace wherry::apiserver {

struct ParsedDeleteOptions {
  client::DeleteOptions options;
  bool dryRun = false;
};

// Throws BadRequest or Invalid ("propagationPolicy: Unsupported value").
ParsedDeleteOptions parseDeleteOptions(const json::Value& body);
ParsedDeleteOptions parseDeleteOptions(const Query& query);

}  // namespace wherry::apiserver

// Serves one request for a resource: finds the kind, checks that the verb applies, and hands over to the list, watch or
// write that it is. Runs on an I/O thread and never blocks.
#pragma once

#include "apiserver/answer.h"
#include "apiserver/backend.h"
#include "apiserver/request_info.h"
#include "apiserver/written.h"
#include "net/server.h"

namespace wherry::apiserver {

// A request that is authenticated, authorized and understood.
struct ApiRequest {
  net::ExchangePtr exchange;
  RequestInfo info;
  UserPtr user;
  View view;
  AuditNotesPtr notes = nullptr;
};

// Throws StatusError for what is wrong at once; later errors are answered through the exchange.
void serveResource(Backend& backend, ApiRequest request);

}  // namespace wherry::apiserver

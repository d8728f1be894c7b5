// pods/log: connects a client to the node's own stream of a container's log, with back-pressure.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/request_info.h"
#include "net/server.h"

namespace wherry::apiserver {

// Throws StatusError before the stream begins; returns at once otherwise.
void streamPodLog(const Backend& backend, const RequestInfo& info, net::ExchangePtr exchange);

}  // namespace wherry::apiserver

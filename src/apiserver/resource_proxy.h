// {pods,services,nodes}/NAME/proxy: a request passed on to what NAME stands for, and its answer passed back as it
// comes.
//
// HTTP/1.1 to the backend, a connection for each request; the bodies flow with back-pressure, upgrades (WebSocket) are
// passed through. Pages and redirections are led through the proxy (proxy_rewrite.h).
#pragma once

#include "apiserver/backend.h"
#include "apiserver/resource_handler.h"

namespace wherry::apiserver {

// Throws StatusError for what is wrong at once; what can't be reached is answered 503.
void serveProxy(Backend& backend, const ApiRequest& request);

}  // namespace wherry::apiserver

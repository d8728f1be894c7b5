// A request on its way to a backend and the answer on its way back.
#pragma once

#include "apiserver/proxy_rewrite.h"
#include "net/byte_stream.h"
#include "net/server.h"

namespace wherry::apiserver {

// Sends the exchange's request over the connection and answers it with what comes. `upgrade`: both become the
// connection's own once the backend agrees.
void passOn(net::ByteStreamPtr backend, net::ExchangePtr exchange, ProxyPlace place, bool upgrade);

}  // namespace wherry::apiserver

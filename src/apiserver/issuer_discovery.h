// How programs outside of the cluster verify ServiceAccount tokens: OpenID Connect discovery and the keys
// (KEP-1393). Safe from any thread.
#pragma once

#include <optional>
#include <string>

#include "apiserver/request_info.h"
#include "net/http.h"

namespace wherry::apiserver {

class ServiceAccountTokens;

// `server` is where the keys are to be had: "192.0.2.1:6443". Nothing when the path is none of these.
std::optional<net::Response> issuerAnswer(const RequestInfo& info, const ServiceAccountTokens& tokens,
                                          const std::string& server);

}  // namespace wherry::apiserver

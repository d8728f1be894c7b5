// Words of the Gateway API.
#pragma once

#include <string_view>

namespace wherry::ingress {

inline constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";
// What a GatewayClass says that is ours.
inline constexpr std::string_view kGatewayController = "wherry.dev/gateway-controller";

inline constexpr std::string_view kHttpRoute = "HTTPRoute";
inline constexpr std::string_view kGrpcRoute = "GRPCRoute";
inline constexpr std::string_view kTlsRoute = "TLSRoute";

}  // namespace wherry::ingress

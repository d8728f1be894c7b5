// The servers of a HAProxy backend: numbered places ("s1", "s2", ...), each empty or standing for an endpoint, more of
// them than there are endpoints, so that endpoints come and go by the runtime API. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ingress/routing.h"

namespace wherry::ingress {

struct Endpoint {
  std::string address;  // of either family
  uint16_t port = 0;
  std::string hostname;  // the pod's, else its name; "": no pod's
  auto operator<=>(const Endpoint&) const = default;
};

// The endpoints of every Service port that is asked for.
using Endpoints = std::map<ServicePort, std::vector<Endpoint>>;

// No backend has more servers: traffic spread over so many is spread enough.
inline constexpr size_t kMaxServers = 1000;

struct Server {
  Endpoint endpoint;
  unsigned weight = 1;  // 1-256
  auto operator<=>(const Server&) const = default;
};

// By place; an empty one is nothing.
using Servers = std::vector<std::optional<Server>>;

// The servers that a backend shall have: each share's weight is spread over its endpoints. Sorted.
std::vector<Server> wantedServers(const Backend& backend, const Endpoints& endpoints);

// `before` with the servers of `wanted` and only them, none moved. It grows when they don't fit: then there is room for
// half as many again.
Servers placeServers(Servers before, const std::vector<Server>& wanted);

// The commands of HAProxy's runtime API, one a line, that make `after` out of `before` (as many places). What goes gets
// no new requests, and its idle connections are closed; those with a request on it go on.
std::vector<std::string> serverCommands(const std::string& backend, const Servers& before, const Servers& after);

// Where the pods of a backend with PodRouting are: "<backend>/<hostname>" and "<backend>/<ordinal>" -> "s3".
std::map<std::string, std::string> podKeys(const std::string& backend, const Servers& servers);

}  // namespace wherry::ingress

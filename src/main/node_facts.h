// What a node knows of Services that is no API object, as the admin endpoint answers it for `wherry doctor` and `wherry
// resolve`. Each throws AdminError where there is nothing to tell.
#pragma once

#include "json/value.h"
#include "main/server_options.h"
#include "net/http.h"
#include "proxy/proxy.h"

namespace wherry::main {

// ?name=N&type=T, a name with all its labels: what the cluster DNS answers just now.
//   {"server": "10.96.0.10", "rcode": "NOERROR", "answer": [{"name", "ttl", "type", "data"}]}
//   {"server": "10.96.0.10", "failure": "nobody listens on 10.96.0.10:53"}
json::Value readDnsAnswer(const net::Request& request, const ServerOptions& options);

// ?service=NAMESPACE/NAME: what nftables holds for it, proxy/kernel_reading.h.
//   {"node": "edge-7", "ports": [{"address", "protocol", "port", "clients", "state", "endpoints", "wanted"}]}
json::Value readKernel(const net::Request& request, const ServerOptions& options, const proxy::Proxy* proxy);

// ?to=10.244.0.7:8080,[fd00::7]:8080: whether a TCP connection can be made, within a second, dialing.h.
//   {"dials": [{"to", "outcome"}]}
json::Value dialFromNode(const net::Request& request);

}  // namespace wherry::main

// The flags of `wherry server` about the front door. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace wherry::main {

struct IngressOptions {
  uint16_t httpPort = 80;
  uint16_t httpsPort = 443;
  std::vector<std::string> proxyProtocolFrom;    // CIDRs of load balancers before us that tell the client's address
  std::string accessLog;                         // a file; "": none is kept
  std::string statusAddress = "127.0.0.1:8404";  // HAProxy's own page; "": none
};

void declareIngressFlags(CLI::App& parser, IngressOptions& options);

}  // namespace wherry::main

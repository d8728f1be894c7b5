#include "main/ingress_options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/ip_address.h"

namespace wherry::main {
namespace {

constexpr const char* kGroup = "Ingress";

std::string checkPrefix(const std::string& text) {
  return base::IpPrefix::parse(text) ? "" : fmt::format("{} is no CIDR, as 10.0.0.0/8 is", text);
}

// HAProxy's configuration takes these as they are.
std::string checkAddress(const std::string& text) {
  size_t colon = text.rfind(':');
  bool isAddress = colon != std::string::npos && base::IpAddress::parse(text.substr(0, colon));
  bool isPort = colon != std::string::npos && text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  return text.empty() || (isAddress && isPort) ? "" : fmt::format("{} is no ADDRESS:PORT, as 127.0.0.1:8404 is", text);
}

}  // namespace

void declareIngressFlags(CLI::App& parser, IngressOptions& options) {
  auto port = [&](const char* flag, uint16_t& value, const char* help) {
    parser.add_option(flag, value, help)->check(CLI::Range(1, 65535))->capture_default_str()->group(kGroup);
  };
  port("--ingress-http-port", options.httpPort, "the port of the node at which Ingresses are served");
  port("--ingress-https-port", options.httpsPort, "... with TLS");
  parser
      .add_option("--ingress-proxy-protocol-from", options.proxyProtocolFrom,
                  "load balancers in front that begin connections with the PROXY protocol")
      ->type_name("CIDR")
      ->delimiter(',')
      ->check(CLI::Validator(checkPrefix, ""))
      ->group(kGroup);
  parser
      .add_option("--ingress-access-log", options.accessLog,
                  "where a line for each request is written (default: nowhere)")
      ->type_name("FILE")
      ->group(kGroup);
  parser
      .add_option("--ingress-status-address", options.statusAddress,
                  "where HAProxy shows its page and metrics; empty: nowhere")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str()
      ->check(CLI::Validator(checkAddress, ""))
      ->group(kGroup);
}

}  // namespace wherry::main

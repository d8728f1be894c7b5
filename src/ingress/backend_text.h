// What HAProxy does with the requests of one backend: the section of the configuration, but its servers. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingress/config_text.h"
#include "ingress/routing.h"

namespace wherry::ingress {

// Where the program and its files are, and what the operator says of it.
struct Settings {
  std::string directory;  // of configuration, maps, certificates, sockets
  std::string user = "haproxy";
  std::string group = "haproxy";
  std::vector<std::string> addresses = {"0.0.0.0"};  // listened at
  std::vector<std::string> proxyProtocolFrom;        // CIDRs whose connections begin with the PROXY protocol
  std::string cookieKey = "wherry";                  // so that cookies don't tell addresses
  std::string statusAddress = "127.0.0.1:8404";      // HAProxy's own page and metrics; "": neither
  bool accessLog = false;                            // to descriptor kAccessLog
  std::vector<std::string> podRanges;                // CIDRs of the cluster's pods: no clients for preserveClientIp
};
inline constexpr int kAccessLog = 3;

// The name of a backend in the configuration, and what it is made of.
struct Section {
  std::string name;
  Backend backend;
  PathMatch path;  // of its routes, where what is done depends on it
  Origin origin;   // who asked first
  // Has the clients of this family alone, and endpoints of it, who see the clients' own addresses.
  std::optional<base::IpFamily> preserved = std::nullopt;
};

// Whether what is done depends on the route's path.
bool dependsOnPath(const Backend& backend);

// Throws Unsayable; nothing is written then.
void renderBackend(const Section& section, const Settings& settings, ConfigText& text);
// One that only refuses: in place of what can't be rendered.
void renderRefusal(const Section& section, ConfigText& text);

// The words behind "server <name> <address>".
std::string serverWords(const Section& section, const Settings& settings);

// The files of a backend's certificate authorities, and of the certificate that it is shown; "" when there are none.
std::string authorityFile(const Section& section);
std::string clientCertificateFile(const Section& section);

}  // namespace wherry::ingress

// How HAProxy comes from a request to its backend: the frontends of a port. Pure.
//
// Where pods shall see a client's own address there are up to three backends for a route: one for such clients of each
// family, and one for those who come under the node's address as usual. These are the clients of the other family, the
// cluster's pods (who reach each other without us: a connection of their own could be the same), and addresses that
// can't be a source beyond their link or at all. A client by a UNIX socket has none.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "ingress/backend_text.h"
#include "ingress/config_text.h"
#include "ingress/routing.h"

namespace wherry::ingress {

// What a port's frontends are made with.
struct FrontendContext {
  const Settings& settings;
  std::map<std::string, std::string>& files;
  std::function<std::string(const Route& route, const std::string& id)> sectionOf;  // its backend's name
  std::function<std::string(const Passthrough& passthrough)> passthroughSectionOf;
  // The names of the backends that clients of a family come to who are seen under their own address.
  std::function<std::string(const Route& route, base::IpFamily family)> preservingSectionOf;
  std::function<std::string(const Passthrough& passthrough, base::IpFamily family)> preservingPassthroughSectionOf;
  std::function<void(const Origin& about, const std::string& why)> complain;
};

// Writes the frontends, and adds the maps to `files` that they look into.
void renderPort(const Port& port, const FrontendContext& context, ConfigText& text);

// The file of a port's certificates by name, as HAProxy's crt-list has it.
std::string certificateList(const Port& port, const Settings& settings);
std::string certificateFile(const Certificate& certificate);

inline constexpr const char* kDefaultCertificate = "certs/default.pem";
// The table that counts requests by route.
inline constexpr const char* kRouteTable = "wherry-routes";

}  // namespace wherry::ingress

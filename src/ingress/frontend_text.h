// How HAProxy comes from a request to its backend: the frontends of a port. Pure.
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

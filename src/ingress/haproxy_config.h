// HAProxy's configuration for a routing model. Pure.
//
// Everything that is the same whichever endpoints there are is the shape: as long as it stays, no reload is needed. The
// servers are put into it last (withServers), and after that by the runtime API (servers.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ingress/backend_text.h"
#include "ingress/routing.h"
#include "ingress/servers.h"

namespace wherry::ingress {

// What a route is called in metrics.
struct RouteLabel {
  Origin origin;
  std::string host;
  std::string path;
  std::string service;  // "" where it has none, or several
};

struct Shape {
  std::string text;                                 // a line "servers <section> <their words>" where servers go
  std::map<std::string, std::string> files;         // beside it, by relative path: maps and certificate authorities
  std::map<std::string, std::string> certificates;  // by relative path too: replaced at run time
  std::map<std::string, Section> sections;          // by name
  std::map<std::string, RouteLabel> routes;         // by id
  // Some clients come to pods under their own addresses, for which HAProxy needs a privilege: see haproxy.h.
  bool preservesClientIp = false;
  std::vector<Complaint> complaints;  // what can't be said to HAProxy, and is refused or left out

  // Whether HAProxy needs to be reloaded to have `other` in place of this.
  bool isLike(const Shape& other) const {
    return text == other.text && files == other.files && sameCertificates(other);
  }

 private:
  bool sameCertificates(const Shape& other) const;
};

// `defaultCertificate` (chain and key in PEM) is for names that no other is for.
Shape renderShape(const Model& model, const Settings& settings, const std::string& defaultCertificate);

std::string withServers(const Shape& shape, const std::map<std::string, Servers>& servers, const Settings& settings);

}  // namespace wherry::ingress

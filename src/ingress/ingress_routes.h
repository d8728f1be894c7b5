// Ingresses (networking.k8s.io/v1) compiled to the routing model. Pure: the same objects give the same routes.
//
// What Kubernetes leaves open: ImplementationSpecific paths are prefixes by characters; of equal rules the oldest
// Ingress's holds, and the younger hears of it; a default backend takes what no rule fits, whatever the host; a backend
// that isn't there is answered for with 503. docs/ingress.md says the rest.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/networking_v1.h"

namespace wherry::ingress {

struct IngressObjects {
  std::vector<networking_v1::Ingress> ingresses;
  std::vector<networking_v1::IngressClass> classes;
  uint16_t httpPort = 80;
  uint16_t httpsPort = 443;
};

struct Contribution {
  Model model;
  std::vector<Complaint> complaints;
  std::set<meta::ObjectKey> ours;     // Ingresses whose status.loadBalancer says where they are served
  std::set<meta::ObjectKey> secrets;  // that were looked for, found or not: what they hold matters
};

// Without an Ingress of ours the model is empty.
Contribution routeIngresses(const IngressObjects& objects, const Sources& sources);

}  // namespace wherry::ingress

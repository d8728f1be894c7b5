// The half that looks: what the API and the node know about a Service. Bounded in time; what can't be learned is said
// in the facts, but for the Service itself.
#pragma once

#include <string>

#include "cli/admin_client.h"
#include "cli/doctor/service_facts.h"
#include "client/client.h"

namespace wherry::cli {

struct ServiceQuestion {
  std::string ns;
  std::string name;
  std::string from;  // a pod that can't connect, "name" or "namespace/name"; "": none in particular
};
// Throws StatusError: there is no such Service or pod, or the API does not answer.
ServiceFacts gatherServiceFacts(client::Client& api, const AdminClient& node, const ServiceQuestion& question,
                                const std::string& clusterDomain);

// What the cluster DNS answers: the admin endpoint's object, or {"failure": why there is none}.
json::Value askClusterDns(const AdminClient& node, const std::string& name, const std::string& type);

}  // namespace wherry::cli

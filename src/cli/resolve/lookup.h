// What the cluster DNS said about a name, which objects that comes from, and why there is nothing where there is
// nothing. Pure; plain values.
#pragma once

#include <string>
#include <vector>

#include "cli/resolve/cluster_name.h"
#include "json/value.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::cli {

// Of all namespaces.
struct NameFacts {
  std::string clusterDomain = "cluster.local";
  std::vector<core_v1::Service> services;
  std::vector<core_v1::Namespace> namespaces;
  std::vector<discovery_v1::EndpointSlice> slices;
  std::vector<core_v1::Pod> pods;   // read only where a name is a pod's
  std::vector<std::string> unread;  // "services: forbidden": then reasons may be missing
};

// One question and the admin endpoint's answer (main/node_facts.h), or {"failure": "..."}.
struct Asked {
  std::string name;  // with the last dot
  std::string type;
  json::Value answer;
};

bool hasRecords(const Asked& asked);

struct Origin {
  std::string name, type, data;  // of a record
  int64_t ttl = 0;               // seconds
  std::string from;              // "cluster IP of Service default/web"
};
struct Explained {
  std::string name, type;
  std::string rcode;  // "NXDOMAIN"; "" when the DNS did not answer
  std::vector<Origin> records;
  std::string why;  // there are none; "" when there are some
};
Explained explain(const NameFacts& facts, const Asked& asked);

struct Lookup {
  std::string name;  // as it was asked for
  std::vector<Explained> answers;
  std::vector<std::string> unread;
  bool found() const;
};
std::string renderText(const Lookup& lookup);
// {"name", "found", "answers": [{"name", "type", "rcode", "records": [{"name", "type", "data", "ttl", "from"}],
// "why"}]}
json::Value renderJson(const Lookup& lookup);

}  // namespace wherry::cli

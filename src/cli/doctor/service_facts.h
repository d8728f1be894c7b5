// All that is known about a Service, from the API and from the node, and what follows from the objects alone. Pure;
// plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"
#include "views/networking_v1.h"

namespace wherry::cli {

struct ServiceFacts {
  core_v1::Service service;
  std::vector<discovery_v1::EndpointSlice> slices;            // that name it
  std::vector<core_v1::Pod> pods;                             // of its namespace
  std::vector<core_v1::Pod> podsElsewhere;                    // of other namespaces, that its selector would match
  std::vector<core_v1::Event> events;                         // of its namespace
  std::vector<networking_v1::NetworkPolicy> networkPolicies;  // of its namespace, and of the client's
  std::optional<core_v1::Pod> from;                           // a client that is asked about
  std::map<std::string, json::Object, std::less<>> namespaceLabels;  // of both namespaces, where there is one
  std::string clusterDomain = "cluster.local";

  // The admin endpoint's answers (main/node_facts.h). Instead of one may stand {"failure": "..."}: why there is none.
  struct DnsAnswer {
    std::string name;  // with the last dot
    std::string type;
    json::Value answer;
  };
  std::vector<DnsAnswer> dns;
  json::Value kernel = json::Object();
  json::Value dials = json::Object();
  std::vector<std::string> unread;  // what could not be learned: "pods: forbidden"
};

// "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"
std::string_view typeOf(const core_v1::Service& service);
bool isExternalName(const core_v1::Service& service);
bool isHeadless(const core_v1::Service& service);
// Cluster IPs without "None".
std::vector<std::string> clusterIps(const core_v1::Service& service);
std::string_view protocolOf(std::string_view protocol);    // "" is TCP
std::string portText(const core_v1::ServicePort& port);    // "http 80/TCP", "80/TCP"
std::string targetText(const core_v1::ServicePort& port);  // "8080" or "web"
bool hasSelector(const core_v1::Service& service);
std::string selectorText(const core_v1::Service& service);  // "app=web,tier=front"
// Whether the selector matches: by all its labels; never when there is none.
bool selects(const core_v1::Service& service, const core_v1::Pod& pod);
std::vector<core_v1::Pod> selectedPods(const ServiceFacts& facts);

bool isReady(const core_v1::Pod& pod);   // condition Ready is True
bool hasEnded(const core_v1::Pod& pod);  // Succeeded or Failed
std::vector<std::string> addressesOf(const core_v1::Pod& pod);

// An endpoint as a slice has it.
struct EndpointFact {
  discovery_v1::EndpointSlice slice;
  std::string address;
  std::string pod;  // "" when it is none's
  std::string node;
  bool ready = false;
  bool serving = false;
  bool terminating = false;
};
std::vector<EndpointFact> endpointsOf(const ServiceFacts& facts);
// Ready ones; when there is none, those that still serve while they terminate (KEP-1669).
std::vector<EndpointFact> usableEndpoints(const ServiceFacts& facts);

// The number at which the slice's endpoints listen for this port of the Service.
std::optional<int64_t> targetNumber(const discovery_v1::EndpointSlice& slice, const core_v1::ServicePort& port);

// What clients of one port come to: "10.244.0.7:8080", sorted, each once.
struct Target {
  std::string at;
  std::string pod;
  auto operator<=>(const Target&) const = default;
};
std::vector<Target> targetsOf(const ServiceFacts& facts, const core_v1::ServicePort& port);

// Its cluster IP is an address of the node, as that of the cluster DNS is: no rule leads to endpoints.
bool servedByNode(const ServiceFacts& facts);

// Where a connection from the node is tried, cluster IPs first: TCP alone, the first `most` of them.
std::vector<std::string> placesToDial(const ServiceFacts& facts, size_t most);
// What the cluster DNS is asked: addresses of the Service's name, SRV of its named ports; the target of an
// ExternalName.
struct DnsQuestion {
  std::string name;  // with the last dot
  std::string type;
};
std::vector<DnsQuestion> questionsFor(const ServiceFacts& facts);
// "web.default.svc.cluster.local."
std::string nameOf(const ServiceFacts& facts);

}  // namespace wherry::cli

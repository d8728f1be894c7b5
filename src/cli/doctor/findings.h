// The parts of a diagnosis, each in a file of its name: facts in, findings behind those that are there already. Pure.
#pragma once

#include "cli/doctor/finding.h"
#include "cli/doctor/service_facts.h"

namespace wherry::cli {

void addTypeFindings(const ServiceFacts& facts, Findings& findings);        // type, addresses, affinity
void addSelectorFindings(const ServiceFacts& facts, Findings& findings);    // which pods it matches, or nearly does
void addPodFindings(const ServiceFacts& facts, Findings& findings);         // readiness of those
void addPortFindings(const ServiceFacts& facts, Findings& findings);        // targetPort and containerPort
void addSliceFindings(const ServiceFacts& facts, Findings& findings);       // are the slices what the pods are
void addPolicyFindings(const ServiceFacts& facts, Findings& findings);      // traffic policies
void addIsolationFindings(const ServiceFacts& facts, Findings& findings);   // NetworkPolicies
void addBalancerFindings(const ServiceFacts& facts, Findings& findings);    // the load balancer's addresses
void addDnsFindings(const ServiceFacts& facts, Findings& findings);         // what the cluster DNS answers
void addKernelFindings(const ServiceFacts& facts, Findings& findings);      // what nftables holds
void addConnectionFindings(const ServiceFacts& facts, Findings& findings);  // whether somebody listens

// "failure" of an answer of the node's; "" when it has none.
std::string_view failureOf(const json::Value& answer);

}  // namespace wherry::cli

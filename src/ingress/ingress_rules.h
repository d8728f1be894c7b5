// Paths of Ingresses on their way to become routes: who leads which paths of which hosts where. For the sources of this
// folder alone; ingress_routes.cc makes the model of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ingress/ingress_annotations.h"
#include "ingress/ingress_certificates.h"
#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/networking_v1.h"

namespace wherry::ingress {

// An Ingress of ours.
struct OwnIngress {
  networking_v1::Ingress ingress;
  Origin origin;
  IngressSettings settings;
};

// A path of a host, as an Ingress leads it.
struct IngressRule {
  const OwnIngress* owner;
  std::string host;  // "" for every one
  std::string pathType;
  std::string path;
  PathMatch match;
  PathChange change;
  Backend to;
  // A canary's parts of it, the first one that holds first.
  std::vector<std::pair<Conditions, Backend>> canaries;
  std::string canary;  // the Ingress they are of, "" when there is none
};

// The rules of all Ingresses, the oldest one first. What can't be had is complained about.
class IngressRules {
 public:
  IngressRules(const Sources& sources, std::vector<Complaint>& complaints)
      : sources_(sources), complaints_(complaints) {}

  // REQUIRES: in the order of age; each `own` stays where it is.
  void add(const OwnIngress& own);
  // Once all are added: what depends on which hosts there are, and canaries, which take parts of what is there.
  void addOtherNames(const OwnIngress& own);
  void addCanary(const OwnIngress& own);

  const std::vector<IngressRule>& rules() const { return rules_; }

 private:
  void addPath(const OwnIngress& own, const std::string& host, const networking_v1::HTTPIngressPath& path);
  void addDefault(const OwnIngress& own);
  void addWww(const OwnIngress& own, const std::string& host);
  void addCanaryPath(const OwnIngress& own, const std::string& host, const networking_v1::HTTPIngressPath& path);
  // Whose the path of the host is already; null when it becomes `own`'s.
  const Origin* claim(const OwnIngress& own, const std::string& host, const PathMatch& match);
  void checkPodRouting(const OwnIngress& own, IngressRule& rule);
  void checkAppRoot(const OwnIngress& own);
  IngressRule* findMain(const OwnIngress& own, const std::string& host, std::string_view pathType,
                        std::string_view path);
  void complain(const OwnIngress& own, std::string reason, std::string message);

  const Sources& sources_;
  std::vector<Complaint>& complaints_;
  std::vector<IngressRule> rules_;
  std::set<std::string> hosts_;
  std::map<std::pair<std::string, PathMatch>, Origin> claims_;
  std::map<std::pair<std::string, std::string>, std::vector<size_t>> byPath_;  // host and path -> in rules_
};

}  // namespace wherry::ingress

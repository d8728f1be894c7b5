// A pod's search path, gone through at once: what is asked, who asks, and what comes back.
#include <gtest/gtest.h>

#include "clusterdns/answer.h"
#include "clusterdns/pod_namespaces.h"
#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

std::shared_ptr<const Zone> zone() {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  for (const char* ns : {"alpha", "beta"}) builder.setNamespace(ns, true);
  json::Value web = json::parseYaml("{metadata: {name: web, namespace: beta}, spec: {clusterIP: 10.96.0.7}}");
  builder.setService("beta", "web", renderService(domain, web, {}));
  json::Value out = json::parseYaml(
      "{metadata: {name: out, namespace: beta}, spec: {type: ExternalName, externalName: www.example.com}}");
  builder.setService("beta", "out", renderService(domain, out, {}));
  return builder.snapshot();
}

std::string search(const char* name, const char* ns, bool upstream = true) {
  std::string packet = dns::writeQuery(7, dns::Name::of(name), dns::Type::kA, 1232);
  auto query = dns::Query::read(packet);
  dns::ResponseWriter writer;
  Answerer answerer({.upstream = upstream}, 42);
  auto snapshot = zone();
  EXPECT_EQ(answerer.answer(*snapshot, *query, 1232, writer), Outcome::kAnswered);
  EXPECT_EQ(writer.rcode(), dns::Rcode::kNxDomain);
  Outcome outcome = answerer.search(*snapshot, *query, ns, 1232, writer);
  std::string answer = dns::renderMessage(*dns::readMessage(writer.finish()));
  if (outcome == Outcome::kSearch) return answer.substr(0, 9) + "then " + answerer.target().text();
  return (outcome == Outcome::kForwardTarget ? "with " + answerer.target().text() + ": " : "") + answer;
}

constexpr const char* kDenied =
    "NXDOMAIN aa\n;; AUTHORITY\ncluster.local. 0 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 2 7200 1800 "
    "86400 "
    "0\n";

TEST(SearchPathTest, WhatTheRestOfThePathLeadsToIsAnsweredAsAnAlias) {
  struct Case {
    const char* what;
    const char* name;
    const char* ns;
    const char* expected;
  } const kCases[] = {
      {"a Service of another namespace", "web.beta.alpha.svc.cluster.local", "alpha",
       "NOERROR aa\n;; ANSWER\nweb.beta.alpha.svc.cluster.local. 0 IN CNAME web.beta.svc.cluster.local.\n"
       "web.beta.svc.cluster.local. 5 IN A 10.96.0.7\n"},
      {"a name that is nearly whole", "web.beta.svc.alpha.svc.cluster.local", "alpha",
       "NOERROR aa\n;; ANSWER\nweb.beta.svc.alpha.svc.cluster.local. 0 IN CNAME web.beta.svc.cluster.local.\n"
       "web.beta.svc.cluster.local. 5 IN A 10.96.0.7\n"},
      {"an alias of a name outside", "out.beta.alpha.svc.cluster.local", "alpha",
       "with www.example.com.: NOERROR aa\n;; ANSWER\nout.beta.alpha.svc.cluster.local. 0 IN CNAME "
       "out.beta.svc.cluster.local.\nout.beta.svc.cluster.local. 5 IN CNAME www.example.com.\n"},
      {"a name outside", "www.example.com.alpha.svc.cluster.local", "alpha", "NXDOMAIN then www.example.com."},
      {"a short name", "nosuch.alpha.svc.cluster.local", "alpha", "NXDOMAIN then nosuch."},
      {"another namespace's path is not the client's", "www.example.com.alpha.svc.cluster.local", "beta", kDenied},
      {"what is asked of the second domain of the path", "www.alpha.svc.cluster.local", "beta", kDenied},
      {"what is asked of the third domain of the path", "www.example.com.cluster.local", "alpha", kDenied},
  };
  for (const Case& c : kCases) EXPECT_EQ(search(c.name, c.ns), c.expected) << c.what;
}

TEST(SearchPathTest, WithoutAnybodyToAskItEndsWithTheCluster) {
  EXPECT_EQ(search("www.example.com.alpha.svc.cluster.local", "alpha", false), kDenied);
}

meta::ObjectPtr pod(const char* yaml) { return std::make_shared<meta::Object>(json::parseYaml(yaml)); }

TEST(PodNamespacesTest, APodsAddressTellsItsNamespace) {
  PodNamespaces pods;
  std::string first("\x0a\xf4\0\x05", 4), second("\x0a\xf4\0\x06", 4);
  auto pending = pod("{metadata: {name: a, namespace: alpha}, status: {phase: Pending}}");
  auto running = pod("{metadata: {name: a, namespace: alpha}, status: {phase: Running, podIPs: [{ip: 10.244.0.5}]}}");
  auto ended = pod("{metadata: {name: a, namespace: alpha}, status: {phase: Succeeded, podIPs: [{ip: 10.244.0.5}]}}");
  auto next = pod("{metadata: {name: b, namespace: beta}, status: {phase: Running, podIPs: [{ip: 10.244.0.5}]}}");
  auto host =
      pod("{metadata: {name: c, namespace: beta}, spec: {hostNetwork: true}, status: {phase: Running, podIPs: [{ip: "
          "10.244.0.6}]}}");
  pods.podChanged(nullptr, pending);
  EXPECT_EQ(pods.find(first), std::nullopt);
  pods.podChanged(pending, running);
  EXPECT_EQ(pods.find(first), "alpha");
  pods.podChanged(nullptr, next);
  EXPECT_EQ(pods.find(first), "beta") << "the address has gone on to another";
  pods.podChanged(running, ended);
  EXPECT_EQ(pods.find(first), "beta");
  pods.podChanged(next, nullptr);
  EXPECT_EQ(pods.find(first), std::nullopt);
  pods.podChanged(nullptr, host);
  EXPECT_EQ(pods.find(second), std::nullopt) << "a host's address is nobody's alone";
}

}  // namespace
}  // namespace wherry::clusterdns

#include <gtest/gtest.h>

#include "apiserver/admission/admission_world.h"

namespace wherry::apiserver {
namespace {

#define SERVICE(spec) "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {" spec "}}"

TEST(ServiceAdmission, FillsInWhatTheTypeNeeds) {
  AdmissionWorld world;
  expectAll(
      world,
      std::vector<FilledIn>{
          {"a port leads to the same port of the pods", SERVICE("ports: [{port: 80}]"), "spec.ports",
           "[{port: 80, protocol: TCP, targetPort: 80}]"},
          {"also of an external name", SERVICE("type: ExternalName, externalName: a.example.com, ports: [{port: 80}]"),
           "spec.ports.0.targetPort", "80"},
          {"traffic from within goes to every node", SERVICE("ports: [{name: a, port: 80}, {name: b, port: 81}]"),
           "spec.internalTrafficPolicy", "Cluster"},
          {"an external name has no traffic policy", SERVICE("type: ExternalName, externalName: a.example.com"),
           "spec.internalTrafficPolicy", ""},
          {"external addresses make it reachable from outside",
           SERVICE("externalIPs: [192.0.2.1], ports: [{port: 80}]"), "spec.externalTrafficPolicy", "Cluster"},
          {"without them it is not", SERVICE("ports: [{port: 80}]"), "spec.externalTrafficPolicy", ""},
          {"a headless one keeps no address", SERVICE("clusterIP: None, ports: [{port: 80}]"), "spec.clusterIPs",
           "[None]"},
          {"clients stick for three hours", SERVICE("sessionAffinity: ClientIP, ports: [{port: 80}]"),
           "spec.sessionAffinityConfig", "{clientIP: {timeoutSeconds: 10800}}"},
      });
}

TEST(ServiceAdmission, SaysWhatCannotStandTogether) {
  AdmissionWorld world;
  expectAll(
      world,
      std::vector<Refused>{
          {"it needs ports", SERVICE("selector: {a: b}"), {"FieldValueRequired spec.ports"}},
          {"unless it is headless", SERVICE("clusterIP: None"), {}},
          {"several ports need names",
           SERVICE("ports: [{port: 80}, {port: 81}]"),
           {"FieldValueRequired spec.ports[0].name", "FieldValueRequired spec.ports[1].name"}},
          {"a port is told once when it is out of range",
           SERVICE("ports: [{port: 70000, targetPort: 1}]"),
           {"FieldValueInvalid spec.ports[0].port"}},
          {"a headless one has no node ports",
           SERVICE("type: NodePort, clusterIP: None, ports: [{port: 80}]"),
           {"FieldValueInvalid spec.clusterIPs[0]"}},
          {"external addresses are addresses, and not the node's own",
           SERVICE("externalIPs: [127.0.0.1, x], ports: [{port: 80}]"),
           {"FieldValueInvalid spec.externalIPs[0]", "FieldValueInvalid spec.externalIPs[1]"}},
          {"source ranges are prefixes",
           SERVICE("type: LoadBalancer, loadBalancerSourceRanges: [1.2.3.4/99], ports: [{port: 80}]"),
           {"FieldValueInvalid spec.LoadBalancerSourceRanges[0]"}},
          {"a traffic policy from outside needs a way in",
           SERVICE("externalTrafficPolicy: Local, ports: [{port: 80}]"),
           {"FieldValueInvalid spec.externalTrafficPolicy"}},
          {"an external name is required", SERVICE("type: ExternalName"), {"FieldValueRequired spec.externalName"}},
          {"an address out of the range is refused",
           SERVICE("clusterIP: 192.0.2.1, ports: [{port: 80}]"),
           {"422 Invalid spec.clusterIPs"}},
      });
}

TEST(ServiceAdmission, ChangesOfTypeLeaveWhatTheNewOneDoesNotHave) {
  AdmissionWorld world;
  auto external =
      world.update(SERVICE("ports: [{port: 80}]"), "{spec: {type: ExternalName, externalName: a.example.com}}");
  EXPECT_EQ(external.causes, std::vector<std::string>());
  for (auto field : {"clusterIP", "clusterIPs", "ipFamilies", "internalTrafficPolicy"}) {
    EXPECT_EQ(json::find(external.object, std::string("spec.") + field), nullptr) << field;
  }
  auto inner = world.update(SERVICE("type: NodePort, ports: [{port: 80}]"), "{spec: {type: ClusterIP}}");
  EXPECT_EQ(inner.causes, std::vector<std::string>());
  EXPECT_EQ(json::find(inner.object, "spec.ports.0.nodePort"), nullptr);
  EXPECT_EQ(json::find(inner.object, "spec.externalTrafficPolicy"), nullptr);
}

TEST(ServiceAdmission, AClusterIpStays) {
  AdmissionWorld world;
  expectAll(world, std::vector<Changed>{
                       {"another address",
                        SERVICE("ports: [{port: 80}]"),
                        "{spec: {clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1]}}",
                        {"FieldValueInvalid spec.clusterIPs[0]"}},
                       {"none at all keeps the one there is",
                        SERVICE("ports: [{port: 80}]"),
                        "{spec: {clusterIP: null, clusterIPs: null}}",
                        {}},
                   });
}

TEST(ServiceAdmission, AnAddressOfALoadBalancerIsAVirtualOne) {
  AdmissionWorld world;
  auto admitted =
      world.update(SERVICE("type: LoadBalancer, ports: [{port: 80}]"),
                   "{status: {loadBalancer: {ingress: [{ip: 192.0.2.5}, {hostname: a.example.com}]}}}", "status");
  EXPECT_EQ(json::getString(admitted.object, "status.loadBalancer.ingress.0.ipMode"), "VIP");
  EXPECT_EQ(json::find(admitted.object, "status.loadBalancer.ingress.1.ipMode"), nullptr);
}

TEST(ServiceAdmission, WarnsOfWhatIsIgnoredOrLeaving) {
  AdmissionWorld world;
  EXPECT_EQ(
      world.create(SERVICE("externalIPs: [192.0.2.1], ports: [{port: 80}]")).warnings,
      std::vector<std::string>{"spec.externalIPs is deprecated and may no longer be implemented in some clusters"});
  EXPECT_EQ(world.create(SERVICE("ports: [{port: 80}], externalName: x.example.com")).warnings,
            std::vector<std::string>{"spec.externalName is ignored when spec.type is not \"ExternalName\""});
}

TEST(EndpointSliceAdmission, KnowsItsAddresses) {
  AdmissionWorld world;
#define SLICE(rest) "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: e}, " rest "}"
  expectAll(world, std::vector<Refused>{
                       {"addresses of the type", SLICE("addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}]"), {}},
                       {"of another type, and of this machine alone; and none",
                        SLICE("addressType: IPv4, endpoints: [{addresses: ['::1']}, {addresses: []}]"),
                        {"FieldValueInvalid endpoints[0].addresses", "FieldValueInvalid endpoints[0].addresses[0]",
                         "FieldValueRequired endpoints[1].addresses"}},
                       {"names",
                        SLICE("addressType: FQDN, endpoints: [{addresses: [a.example.com]}, {addresses: ['a b']}]"),
                        {"FieldValueInvalid endpoints[1].addresses[0]"}},
                       {"an unknown type is said once",
                        SLICE("addressType: Nope, endpoints: [{addresses: [x]}]"),
                        {"FieldValueNotSupported addressType"}},
                       {"ports have names of their own",
                        SLICE("addressType: IPv4, endpoints: [], ports: [{name: a, port: 1}, {name: a, port: 2}]"),
                        {"FieldValueDuplicate ports[1].name"}},
                   });
}

TEST(EndpointsAdmission, KnowsItsAddresses) {
  AdmissionWorld world;
#define ENDPOINTS(subset) "{apiVersion: v1, kind: Endpoints, metadata: {name: e}, subsets: [{" subset "}]}"
  expectAll(world, std::vector<Refused>{
                       {"an address and a port", ENDPOINTS("addresses: [{ip: 10.0.0.1}], ports: [{port: 80}]"), {}},
                       {"no address", ENDPOINTS("ports: [{port: 80}]"), {"FieldValueRequired subsets[0]"}},
                       {"a loopback address",
                        ENDPOINTS("addresses: [{ip: 127.0.0.1}]"),
                        {"FieldValueInvalid subsets[0].addresses[0].ip"}},
                       {"ports without names",
                        ENDPOINTS("addresses: [{ip: 10.0.0.1}], ports: [{port: 80}, {port: 81}]"),
                        {"FieldValueRequired subsets[0].ports[0].name", "FieldValueRequired subsets[0].ports[1].name"}},
                   });
}

TEST(IngressAdmission, KnowsHostsPathsAndBackends) {
  AdmissionWorld world;
#define INGRESS(spec) "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {" spec "}}"
#define PATH(path, type)                                               \
  INGRESS("rules: [{http: {paths: [{path: '" path "', pathType: " type \
          ", backend: {service: {name: s, port: {number: 80}}}}]}}]")
  const std::string path = "spec.rules[0].http.paths[0]";
  expectAll(
      world,
      std::vector<Refused>{
          {"an absolute path", PATH("/a", "Prefix"), {}},
          {"a relative one", PATH("nope", "Prefix"), {"FieldValueInvalid " + path + ".path"}},
          {"a path that goes up", PATH("/a/../b", "Exact"), {"FieldValueInvalid " + path + ".path"}},
          {"an implementation's own path may be empty", PATH("", "ImplementationSpecific"), {}},
          {"an unknown type of path", PATH("/", "Regex"), {"FieldValueNotSupported " + path + ".pathType"}},
          {"nothing at all", INGRESS(""), {"FieldValueInvalid spec"}},
          {"a wildcard host", INGRESS("rules: [{host: '*.example.com'}]"), {}},
          {"an address for a host", INGRESS("rules: [{host: 10.0.0.1}]"), {"FieldValueInvalid spec.rules[0].host"}},
          {"a backend without port",
           INGRESS("defaultBackend: {service: {name: s}}"),
           {"FieldValueRequired spec.defaultBackend"}},
      });
}

TEST(IngressAdmission, GivesAnIngressTheNewestDefaultClass) {
#define CLASS(name, is, at)                                                                                           \
  "{apiVersion: networking.k8s.io/v1, kind: IngressClass, spec: {controller: example.com/c}, metadata: {name: " name  \
  ", creationTimestamp: '2026-01-0" at "T00:00:00Z', annotations: {ingressclass.kubernetes.io/is-default-class: '" is \
  "'}}}"
  AdmissionWorld world;
  const auto classOf = "spec.ingressClassName";
  const auto plain = INGRESS("defaultBackend: {service: {name: s, port: {number: 80}}}");
  world.has(CLASS("never", "false", "9"));
  expectAll(world, std::vector<FilledIn>{{"no default, no class", plain, classOf, ""}});
  world.has(CLASS("old", "true", "1"));
  expectAll(world, std::vector<FilledIn>{{"the default", plain, classOf, "old"}});
  world.has(CLASS("new-b", "true", "2"));
  world.has(CLASS("new-a", "true", "2"));
  expectAll(
      world,
      std::vector<FilledIn>{
          {"of several the newest, by name", plain, classOf, "new-a"},
          {"not where there is one",
           INGRESS("ingressClassName: own, defaultBackend: {service: {name: s, port: {number: 80}}}"), classOf, "own"},
          {"nor beside the annotation of old",
           "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, annotations: "
           "{kubernetes.io/ingress.class: own}}, spec: {defaultBackend: {service: {name: s, port: {number: "
           "80}}}}}",
           classOf, ""},
      });
}

TEST(NetworkPolicyAdmission, SaysWhatItSpeaksAbout) {
  AdmissionWorld world;
#define POLICY(spec) \
  "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n}, spec: {podSelector: {}, " spec "}}"
  expectAll(world, std::vector<FilledIn>{
                       {"what comes in", POLICY(""), "spec.policyTypes", "[Ingress]"},
                       {"and what goes out, when it has rules for that", POLICY("egress: [{}]"), "spec.policyTypes",
                        "[Ingress, Egress]"},
                       {"as it was written", POLICY("policyTypes: [Egress]"), "spec.policyTypes", "[Egress]"},
                   });
  expectAll(
      world,
      std::vector<Refused>{
          {"an exception lies within",
           POLICY("egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]"),
           {}},
          {"and not without",
           POLICY("egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]"),
           {"FieldValueInvalid spec.egress[0].to[0].ipBlock.except[0]"}},
          {"a peer is someone", POLICY("ingress: [{from: [{}]}]"), {"FieldValueRequired spec.ingress[0].from[0]"}},
          {"a peer is a block or selected",
           POLICY("ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]"),
           {"FieldValueForbidden spec.ingress[0].from[0]"}},
          {"a range of ports goes up",
           POLICY("ingress: [{ports: [{port: 80, endPort: 70}]}]"),
           {"FieldValueInvalid spec.ingress[0].ports[0].endPort"}},
      });
}

}  // namespace
}  // namespace wherry::apiserver

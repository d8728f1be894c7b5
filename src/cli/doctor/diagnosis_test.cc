// Manifests and what the node says in, sentences out.
#include "cli/doctor/diagnosis.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::cli {
namespace {

// Objects by their kind; documents without one hold what the node says: dns, kernel, dials.
ServiceFacts factsOf(const std::string& manifests) {
  ServiceFacts facts;
  for (json::Value& document : json::parseYamlStream(manifests)) {
    if (const json::Value* dns = json::find(document, "dns")) {
      for (const json::Value& one : dns->get_array()) {
        facts.dns.push_back(
            {std::string(json::getString(one, "name")), std::string(json::getString(one, "type")), one});
      }
    } else if (const json::Value* kernel = json::find(document, "kernel")) {
      facts.kernel = *kernel;
    } else if (json::find(document, "dials") || json::find(document, "failure")) {
      facts.dials = document;
    } else {
      auto object = std::make_shared<const meta::Object>(document);
      if (object->kind() == "Service") facts.service = core_v1::Service(object);
      if (object->kind() == "EndpointSlice") facts.slices.emplace_back(object);
      if (object->kind() == "Event") facts.events.emplace_back(object);
      if (object->kind() == "NetworkPolicy") facts.networkPolicies.emplace_back(object);
      if (object->kind() == "Namespace") {
        facts.namespaceLabels[std::string(object->metadata().name())] = object->metadata().labels();
      }
      if (object->metadata().label("client") == "yes") facts.from = core_v1::Pod(object);
      bool here = object->metadata().ns() == "default";
      if (object->kind() == "Pod") (here ? facts.pods : facts.podsElsewhere).emplace_back(object);
    }
  }
  return facts;
}

std::string diagnosed(const std::string& manifests) { return renderText(diagnose(factsOf(manifests))); }
std::string verdictOf(const std::string& manifests) { return diagnose(factsOf(manifests)).verdict(); }

// The lines of the text that are about this.
std::string about(const std::string& what, const std::string& manifests) {
  std::string lines;
  for (const Finding& finding : diagnose(factsOf(manifests)).findings) {
    if (finding.about != what) continue;
    lines += std::string(levelText(finding.level)) + " " + finding.text + "\n";
    for (const std::string& fact : finding.facts) lines += "- " + fact + "\n";
  }
  return lines;
}

const std::string kService = R"(
---
kind: Service
metadata: {name: web, namespace: default}
spec:
  type: ClusterIP
  clusterIP: 10.96.4.17
  clusterIPs: [10.96.4.17]
  ipFamilies: [IPv4]
  selector: {app: web, tier: front}
  ports: [{name: http, port: 80, protocol: TCP, targetPort: web}]
)";
const std::string kPod = R"(
---
kind: Pod
metadata: {name: web-1, namespace: default, uid: u1, labels: {app: web, tier: front}}
spec:
  nodeName: n
  containers: [{name: c, ports: [{name: web, containerPort: 8080, protocol: TCP}]}]
status: {phase: Running, podIP: 10.244.0.7, podIPs: [{ip: 10.244.0.7}], conditions: [{type: Ready, status: "True"}]}
)";
const std::string kSlice = R"(
---
kind: EndpointSlice
metadata:
  {name: web-x, namespace: default, labels: {endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints:
- addresses: [10.244.0.7]
  nodeName: n
  conditions: {ready: true, serving: true, terminating: false}
  targetRef: {kind: Pod, name: web-1}
)";
const std::string kEmptySlice = R"(
---
kind: EndpointSlice
metadata:
  {name: web-x, namespace: default, labels: {endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}}
addressType: IPv4
)";
const std::string kDns = R"(
---
dns:
- {name: web.default.svc.cluster.local., type: A, server: 10.96.0.10, rcode: NOERROR,
   answer: [{name: web.default.svc.cluster.local., ttl: 5, type: A, data: 10.96.4.17}]}
- {name: web.default.svc.cluster.local., type: AAAA, server: 10.96.0.10, rcode: NOERROR, answer: []}
- {name: _http._tcp.web.default.svc.cluster.local., type: SRV, server: 10.96.0.10, rcode: NOERROR,
   answer: [{name: x, ttl: 5, type: SRV, data: 0 100 80 web.default.svc.cluster.local.}]}
)";
const std::string kKernel = R"(
---
kernel:
  node: n
  ports:
  - {address: 10.96.4.17, protocol: TCP, port: 80, clients: all, state: leads,
     endpoints: ["10.244.0.7:8080"], wanted: ["10.244.0.7:8080"]}
)";
const std::string kDials = R"(
---
dials:
- {to: "10.96.4.17:80", outcome: connected}
- {to: "10.244.0.7:8080", outcome: connected}
)";

TEST(DiagnosisTest, AServiceThatWorks) {
  EXPECT_EQ(diagnosed(kService + kPod + kSlice + kDns + kKernel + kDials),
            R"(ok    Service          ClusterIP 10.96.4.17; port http 80/TCP to targetPort web
ok    selector         app=web,tier=front selects 1 pod
ok    pods             1 of 1 pod ready
ok    ports            http 80/TCP leads to the pods' port web
ok    endpoint slices  1 endpoint ready
      - EndpointSlice web-x (IPv4): 10.244.0.7 (pod web-1); ports http 8080/TCP
ok    DNS              web.default.svc.cluster.local. is 10.96.4.17
ok    DNS              SRV _http._tcp.web.default.svc.cluster.local. has port 80
ok    nftables         10.96.4.17:80/TCP leads to 10.244.0.7:8080
ok    connection       10.96.4.17:80 accepts connections from this node
ok    connection       1 endpoint of port http 80/TCP accepts connections
Service default/web works
)");
}

TEST(DiagnosisTest, ForMachines) {
  json::Value out = renderJson(diagnose(factsOf(kService + kEmptySlice)));
  EXPECT_EQ(json::getString(out, "service"), "default/web");
  EXPECT_FALSE(json::getBool(out, "works", true));
  EXPECT_EQ(json::getString(out, "verdict"), "doesn't work because no pod has app=web,tier=front");
  EXPECT_EQ(json::getString(out, "findings.0.level"), "ok");
  EXPECT_EQ(json::getString(out, "findings.1.about"), "selector");
  EXPECT_EQ(json::getString(out, "findings.1.level"), "FAIL");
}

std::string podWith(const std::string& name, const std::string& labels, const std::string& ns = "default") {
  return "\n---\nkind: Pod\nmetadata: {name: " + name + ", namespace: " + ns + ", labels: {" + labels +
         "}}\nspec: {}\nstatus: {phase: Running}\n";
}

TEST(DiagnosisTest, PodsThatNearlyMatchAreNamedWithTheLabelThatDiffers) {
  std::string pods = podWith("a", "app: web, tier: back") + podWith("b", "app: web, tier: back") +
                     podWith("c", "app: web") + podWith("d", "app: db");
  EXPECT_EQ(about("selector", kService + pods), R"(FAIL no pod has app=web,tier=front
- 2 pods have app=web but tier=back, the selector wants tier=front: a, b
- 1 pod has app=web but no label tier, the selector wants tier=front: c
)");
}

TEST(DiagnosisTest, AnotherValueOrAnotherLabelWithTheValueIsNearToo) {
  const std::string service = R"(
---
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.96.4.17, selector: {app: web}, ports: [{port: 80}]}
)";
  EXPECT_EQ(about("selector", service + podWith("a", "app: webb") + podWith("b", "run: web") + podWith("c", "x: y")),
            R"(FAIL no pod has app=web
- 1 pod has app=webb, the selector wants app=web: a
- 1 pod has run=web, the selector wants app=web: b
)");
  EXPECT_EQ(about("selector", service + podWith("a", "app: web", "shop")), R"(FAIL no pod has app=web
- there are no pods in namespace default
- 1 pod in namespace shop would match: a Service selects pods of its own namespace alone
)");
}

std::string unreadyPod(const std::string& more, const std::string& status) {
  return "\n---\nkind: Pod\nmetadata: {name: web-1, namespace: default, uid: u1, labels: {app: web, tier: front}}\n"
         "spec: {nodeName: n, containers: [{name: c, ports: [{name: web, containerPort: 8080}]" +
         more + "}]}\nstatus: {phase: Running, podIP: 10.244.0.7, " + status + "}\n";
}

TEST(DiagnosisTest, APodIsNotReadyBecauseOfItsProbeWhichHasTheLastWord) {
  std::string pod = unreadyPod(", readinessProbe: {httpGet: {port: 8080}}",
                               "containerStatuses: [{name: c, ready: false, started: true, state: {running: {}}}]");
  EXPECT_EQ(about("pods", kService + pod),
            "FAIL its only pod is not ready\n- pod web-1: the readiness probe of container c has not succeeded yet\n");
  auto event = [](const std::string& time, const std::string& message) {
    return "\n---\nkind: Event\nreason: Unhealthy\ntype: Warning\nmetadata: {name: e, namespace: default}\n"
           "involvedObject: {uid: u1, fieldPath: \"spec.containers{c}\"}\nlastTimestamp: \"" +
           time + "\"\nmessage: \"" + message + "\"\n";
  };
  std::string events = event("2026-01-01T00:00:09Z", "Readiness probe failed: HTTP probe failed with statuscode: 503") +
                       event("2026-01-01T00:00:01Z", "Readiness probe failed: early") +
                       event("2026-01-01T00:00:10Z", "Liveness probe failed: another");
  EXPECT_EQ(about("pods", kService + pod + events),
            "FAIL its only pod is not ready\n- pod web-1: the readiness probe of container c fails: HTTP probe failed "
            "with statuscode: 503\n");
}

TEST(DiagnosisTest, APodIsNotReadyForOtherReasons) {
  auto why = [](const std::string& pod) { return about("pods", kService + pod); };
  const std::string head = "FAIL its only pod is not ready\n- pod web-1: ";
  EXPECT_EQ(why(unreadyPod("",
                           "containerStatuses: [{name: c, ready: false, state: {waiting: {reason: "
                           "ImagePullBackOff, message: no such image}}}]")),
            head + "container c waits (ImagePullBackOff): no such image\n");
  EXPECT_EQ(why(unreadyPod("",
                           "containerStatuses: [{name: c, ready: false, lastState: {terminated: {exitCode: 3}}, "
                           "state: {waiting: {reason: CrashLoopBackOff}}}]")),
            head + "container c waits (CrashLoopBackOff); it ended with exit code 3 last\n");
  EXPECT_EQ(why(unreadyPod("",
                           "containerStatuses: [{name: c, ready: false, state: {terminated: {exitCode: 1, reason: "
                           "Error}}}]")),
            head + "container c has ended with exit code 1 (Error)\n");
  EXPECT_EQ(why(unreadyPod("",
                           "initContainerStatuses: [{name: i, ready: false, state: {waiting: {reason: "
                           "CrashLoopBackOff}}}]")),
            head + "init container i waits (CrashLoopBackOff)\n");
  EXPECT_EQ(why(unreadyPod("", "containerStatuses: [{name: c, ready: true, state: {running: {}}}]")),
            head + "its node has not said yet that it is ready\n");
}

TEST(DiagnosisTest, APodIsNotReadyBecauseOfGatesPhaseOrDeletion) {
  auto pod = [](const std::string& metadata, const std::string& spec, const std::string& status) {
    return about("pods", kService +
                             "\n---\nkind: Pod\nmetadata: {name: web-1, namespace: default, labels: {app: web, "
                             "tier: front}" +
                             metadata + "}\nspec: {" + spec + "}\nstatus: {" + status + "}\n");
  };
  const std::string head = "FAIL its only pod is not ready\n- pod web-1: ";
  EXPECT_EQ(pod("", "nodeName: n, readinessGates: [{conditionType: example.com/lb}]", "phase: Running"),
            head + "nobody has set its readiness gate example.com/lb\n");
  EXPECT_EQ(pod("", "nodeName: n, readinessGates: [{conditionType: example.com/lb}]",
                "phase: Running, conditions: [{type: example.com/lb, status: \"False\", message: draining}]"),
            head + "its readiness gate example.com/lb is False: draining\n");
  EXPECT_EQ(pod("", "",
                "phase: Pending, conditions: [{type: PodScheduled, status: \"False\", message: "
                "\"0/1 nodes are available: 1 Insufficient cpu.\"}]"),
            head + "it is not scheduled to a node: 0/1 nodes are available: 1 Insufficient cpu.\n");
  EXPECT_EQ(pod("", "nodeName: n", "phase: Failed, reason: Evicted"), head + "it has ended (Failed): Evicted\n");
  EXPECT_EQ(pod(", deletionTimestamp: \"2026-01-01T00:00:00Z\"", "nodeName: n",
                "phase: Running, conditions: [{type: Ready, status: \"True\"}]"),
            head + "it is terminating: it gets no new connections\n");
}

TEST(DiagnosisTest, ATargetPortThatNoContainerNames) {
  std::string pod = R"(
---
kind: Pod
metadata: {name: web-1, namespace: default, labels: {app: web, tier: front}}
spec: {nodeName: n, containers: [{name: c, ports: [{name: http, containerPort: 8080}, {containerPort: 9090}]}]}
status: {phase: Running, podIP: 10.244.0.7, conditions: [{type: Ready, status: "True"}]}
)";
  EXPECT_EQ(about("ports", kService + pod), R"(FAIL targetPort web of port http 80/TCP is the name of no container port
- pod web-1 declares http (8080/TCP), 9090/TCP
)");
  std::string udp = R"(
---
kind: Pod
metadata: {name: web-1, namespace: default, labels: {app: web, tier: front}}
spec: {nodeName: n, containers: [{name: c, ports: [{name: web, protocol: UDP, containerPort: 8080}]}]}
status: {phase: Running}
)";
  EXPECT_EQ(about("ports", kService + udp), R"(FAIL targetPort web of port http 80/TCP is the name of no container port
- pod web-1 has web for UDP, the Service's port is TCP
)");
  EXPECT_EQ(about("ports", kService + kPod + pod), R"(note targetPort web of port http 80/TCP is unknown to 1 of 2 pods
- pod web-1 declares http (8080/TCP), 9090/TCP
)");
}

TEST(DiagnosisTest, ANumberThatNoContainerDeclaresIsANote) {
  std::string service = R"(
---
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.96.4.17, selector: {app: web}, ports: [{port: 80, targetPort: 8081}]}
)";
  EXPECT_EQ(about("ports", service + kPod), R"(note no container port is 8081/TCP, where port 80/TCP leads to
- pod web-1 declares web (8080/TCP)
- that is allowed: what counts is that something listens there
)");
}

TEST(DiagnosisTest, SlicesThatAreNotWhatThePodsAre) {
  EXPECT_EQ(about("endpoint slices", kService + kPod + kEmptySlice),
            R"(FAIL its EndpointSlices are not what its pods are
- pod web-1 (10.244.0.7) is ready, and no EndpointSlice says so
FAIL its EndpointSlices have no ready endpoint
- EndpointSlice web-x (IPv4): no endpoints; no ports
)");
  EXPECT_EQ(about("endpoint slices", kService + kSlice), R"(FAIL its EndpointSlices are not what its pods are
- EndpointSlice web-x has 10.244.0.7 of pod web-1 as ready, which is gone or not ready
ok 1 endpoint ready
- EndpointSlice web-x (IPv4): 10.244.0.7 (pod web-1); ports http 8080/TCP
)");
}

TEST(DiagnosisTest, EndpointsKeptByHand) {
  const std::string service = R"(
---
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.96.4.17, ports: [{name: http, port: 80}]}
)";
  EXPECT_EQ(verdictOf(service),
            "doesn't work because it has no selector, and nobody made an EndpointSlice (or Endpoints) for it");
  auto slice = [](const std::string& port, const std::string& labels) {
    return "\n---\nkind: EndpointSlice\nmetadata: {name: hand, namespace: default" + labels +
           "}\naddressType: IPv4\nports: [{name: " + port + ", port: 9000}]\nendpoints: [{addresses: [192.0.2.7]}]\n";
  };
  EXPECT_EQ(about("endpoint slices", service + slice("http", "")), R"(ok 1 endpoint ready
- EndpointSlice hand (IPv4, made by hand): 192.0.2.7; ports http 9000/TCP
)");
  EXPECT_EQ(about("endpoint slices", service + slice("web",
                                                     ", labels: {endpointslice.kubernetes.io/managed-by: "
                                                     "endpointslicemirroring-controller.k8s.io}")),
            R"(FAIL port http 80/TCP has no endpoints
- EndpointSlice hand (IPv4, mirrored from Endpoints): 192.0.2.7; ports web 9000/TCP
- a port of an EndpointSlice belongs to the Service's port of the same name
)");
}

TEST(DiagnosisTest, WhatNothingListensOn) {
  const std::string dials = R"(
---
dials:
- {to: "10.96.4.17:80", outcome: refused}
- {to: "10.244.0.7:8080", outcome: refused}
)";
  std::string facts = kService + kPod + kSlice + kDns + kKernel + dials;
  EXPECT_EQ(about("connection", facts),
            R"(FAIL nothing listens on 10.244.0.7:8080 (pod web-1): the connection was refused
- is it another port, or does the process listen on 127.0.0.1 alone?
FAIL 10.96.4.17:80 refused a connection from this node
)");
  EXPECT_EQ(verdictOf(facts),
            "doesn't work because nothing listens on 10.244.0.7:8080 (pod web-1): the connection was refused");
}

TEST(DiagnosisTest, SilenceAndUdp) {
  const std::string dials = R"(
---
dials:
- {to: "10.96.4.17:80", outcome: timeout}
- {to: "10.244.0.7:8080", outcome: No route to host}
)";
  EXPECT_EQ(about("connection", kService + kPod + kSlice + dials),
            R"(FAIL 10.244.0.7:8080 (pod web-1) can't be reached: No route to host
FAIL 10.96.4.17:80 did not answer a connection from this node within 1 s
)");
  const std::string udp = R"(
---
kind: Service
metadata: {name: dns, namespace: default}
spec: {clusterIP: 10.96.4.17, ports: [{name: dns, port: 53, protocol: UDP}]}
)";
  EXPECT_EQ(about("connection", udp), "note port dns 53/UDP is not tried: only TCP tells whether somebody listens\n");
}

TEST(DiagnosisTest, ARefusalWithoutEndpointsIsAsItShouldBe) {
  EXPECT_EQ(about("connection", kService + kEmptySlice + "\n---\ndials: [{to: \"10.96.4.17:80\", outcome: refused}]\n"),
            "note 10.96.4.17:80 refuses connections: it has no endpoints\n");
}

TEST(DiagnosisTest, WhatTheKernelHoldsAndShouldNot) {
  auto kernel = [](const std::string& state, const std::string& found) {
    return about("nftables", kService +
                                 "\n---\nkernel:\n  node: n\n  ports: [{address: 10.96.4.17, protocol: TCP, port: 80, "
                                 "clients: all, state: " +
                                 state + ", endpoints: [" + found + "], wanted: [\"10.244.0.7:8080\"]}]\n");
  };
  EXPECT_EQ(kernel("unknown", ""), "FAIL nftables has nothing of 10.96.4.17:80/TCP\n");
  EXPECT_EQ(kernel("torn", "\"10.244.0.7:8080\""),
            "FAIL no rule of nftables leads 10.96.4.17:80/TCP to its endpoints\n");
  EXPECT_EQ(kernel("leads", "\"10.244.0.9:8080\""),
            "FAIL nftables leads 10.96.4.17:80/TCP to 10.244.0.9:8080, not to 10.244.0.7:8080\n");
  EXPECT_EQ(kernel("refuses", ""), "FAIL nftables leads 10.96.4.17:80/TCP to nobody, not to 10.244.0.7:8080\n");
  EXPECT_EQ(about("nftables", kService + "\n---\nkernel: {failure: no proxy runs here}\n"),
            "note it can't be read: no proxy runs here\n");
  EXPECT_EQ(about("nftables", kService + "\n---\nkernel: {node: n, ports: []}\n"),
            "note the cluster IP is this node's own address: no rule is needed\n");
}

TEST(DiagnosisTest, DnsThatDisagreesOrIsSilent) {
  auto answer = [](const std::string& rest) {
    return about("DNS", kService + "\n---\ndns: [{name: web.default.svc.cluster.local., type: A, " + rest + "}]\n");
  };
  EXPECT_EQ(answer("server: 10.96.0.10, rcode: NXDOMAIN, answer: []"),
            "FAIL DNS has nothing for web.default.svc.cluster.local., the cluster IP is 10.96.4.17\n");
  EXPECT_EQ(answer("server: 10.96.0.10, rcode: NOERROR, answer: [{type: A, data: 10.96.9.9}]"),
            "FAIL DNS has 10.96.9.9 for web.default.svc.cluster.local., the cluster IP is 10.96.4.17\n");
  EXPECT_EQ(answer("server: 10.96.0.10, failure: \"nobody listens on 10.96.0.10:53\""),
            "FAIL the cluster DNS does not answer: nobody listens on 10.96.0.10:53\n");
  EXPECT_EQ(answer("failure: no cluster DNS runs here"), "note it can't be asked: no cluster DNS runs here\n");
}

TEST(DiagnosisTest, AHeadlessServiceIsKnownByItsReadyEndpoints) {
  const std::string service = R"(
---
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]}
)";
  const std::string answers = R"(
---
dns:
- {name: web.default.svc.cluster.local., type: A, rcode: NOERROR, answer: [{type: A, data: 10.244.0.7}]}
- {name: _http._tcp.web.default.svc.cluster.local., type: SRV, rcode: NOERROR,
   answer: [{type: SRV, data: 0 100 8080 10-244-0-7.web.default.svc.cluster.local.}]}
)";
  const std::string dials = "\n---\ndials: [{to: \"10.244.0.7:8080\", outcome: connected}]\n";
  EXPECT_EQ(diagnosed(service + kPod + kSlice + answers + dials),
            R"(ok    Service          ClusterIP without a cluster IP (headless); port http 80/TCP to targetPort web
ok    selector         app=web selects 1 pod
ok    pods             1 of 1 pod ready
ok    ports            http 80/TCP leads to the pods' port web
ok    endpoint slices  1 endpoint ready
      - EndpointSlice web-x (IPv4): 10.244.0.7 (pod web-1); ports http 8080/TCP
ok    DNS              web.default.svc.cluster.local. is 10.244.0.7
ok    DNS              SRV _http._tcp.web.default.svc.cluster.local. has port 8080
ok    connection       1 endpoint of port http 80/TCP accepts connections
Service default/web works
)");
  const std::string none =
      "\n---\ndns: [{name: web.default.svc.cluster.local., type: A, rcode: NXDOMAIN, answer: []}]\n";
  EXPECT_EQ(about("DNS", service + kEmptySlice + none),
            "note web.default.svc.cluster.local. has no records (NXDOMAIN): a headless Service is known by its ready "
            "endpoints\n");
}

TEST(DiagnosisTest, AnAliasIsAsGoodAsItsTarget) {
  const std::string service = R"(
---
kind: Service
metadata: {name: out, namespace: default}
spec: {type: ExternalName, externalName: www.example.com}
)";
  auto with = [&](const std::string& target) {
    return service + R"(
---
dns:
- {name: out.default.svc.cluster.local., type: A, rcode: NOERROR, answer: [{type: CNAME, data: www.example.com.}]}
- {name: www.example.com., type: A, )" +
           target + "}\n";
  };
  EXPECT_EQ(diagnosed(with("rcode: NOERROR, answer: [{type: A, data: 192.0.2.80}]")),
            R"(ok    Service          ExternalName www.example.com
ok    DNS              out.default.svc.cluster.local. is an alias of www.example.com., which is 192.0.2.80
Service default/out works
)");
  EXPECT_EQ(verdictOf(with("rcode: NXDOMAIN, answer: []")),
            "doesn't work because its target www.example.com. does not exist (NXDOMAIN)");
  EXPECT_EQ(verdictOf(with("rcode: SERVFAIL, answer: []")),
            "doesn't work because its target www.example.com. can't be resolved (SERVFAIL)");
  EXPECT_EQ(verdictOf(with("rcode: NOERROR, answer: []")),
            "doesn't work because its target www.example.com. has no address");
}

TEST(DiagnosisTest, ALoadBalancerThatIsPendingOrHasNotGotAPort) {
  auto balancer = [](const std::string& status) {
    return "\n---\nkind: Service\nmetadata: {name: web, namespace: default, uid: s1}\nspec: {type: LoadBalancer, "
           "clusterIP: "
           "10.96.4.17, ports: [{port: 80}]}\nstatus: {loadBalancer: {" +
           status + "}}\n" +
           "---\nkind: Event\ntype: Warning\nreason: SyncLoadBalancerFailed\nmessage: \"port 80/TCP is used by Service "
           "default/other\"\nmetadata: {name: e, namespace: default}\ninvolvedObject: {uid: s1}\n";
  };
  EXPECT_EQ(about("load balancer", balancer("")), R"(FAIL its load balancer has no address yet (pending)
- SyncLoadBalancerFailed: port 80/TCP is used by Service default/other
)");
  EXPECT_EQ(about("load balancer", balancer("ingress: [{ip: 192.0.2.2, ports: [{port: 80, protocol: TCP, error: "
                                            "wherry.dev/PortInUse}]}]")),
            R"(FAIL the load balancer's address 192.0.2.2 has not got port 80/TCP (wherry.dev/PortInUse)
- SyncLoadBalancerFailed: port 80/TCP is used by Service default/other
ok 192.0.2.2
)");
}

TEST(DiagnosisTest, PolicyLocalWithoutLocalEndpoints) {
  auto policy = [](const std::string& fields) {
    return about("traffic policy",
                 "\n---\nkind: Service\nmetadata: {name: web, namespace: default}\nspec: {clusterIP: "
                 "10.96.4.17, " +
                     fields + ", ports: [{name: http, port: 80}]}\n" + kSlice +
                     "\n---\nkernel: {node: other, ports: []}\n");
  };
  EXPECT_EQ(policy("internalTrafficPolicy: Local"),
            "FAIL internalTrafficPolicy is Local and its only endpoint is not on this node (other)\n");
  EXPECT_EQ(policy("externalTrafficPolicy: Local"),
            "note externalTrafficPolicy is Local and its only endpoint is not on this node (other)\n"
            "- what comes from outside to this node is dropped\n");
  EXPECT_EQ(policy("internalTrafficPolicy: Cluster"), "");
}

TEST(DiagnosisTest, IPv6IsAsIPv4) {
  const std::string service = R"(
---
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: "fd00:96::1", clusterIPs: ["fd00:96::1"], ipFamilies: [IPv6], selector: {app: web}, ports: [{port: 80}]}
---
kind: Pod
metadata: {name: web-1, namespace: default, labels: {app: web}}
spec: {nodeName: n}
status: {phase: Running, podIPs: [{ip: 10.244.0.7}, {ip: "fd00::7"}], conditions: [{type: Ready, status: "True"}]}
---
kind: EndpointSlice
metadata: {name: web-6, namespace: default, labels: {endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}}
addressType: IPv6
ports: [{name: "", port: 8080}]
endpoints: [{addresses: ["fd00::7"], conditions: {ready: true}, targetRef: {kind: Pod, name: web-1}}]
---
dns: [{name: web.default.svc.cluster.local., type: AAAA, rcode: NOERROR, answer: [{type: AAAA, data: "fd00:96::1"}]}]
---
dials: [{to: "[fd00:96::1]:80", outcome: connected}, {to: "[fd00::7]:8080", outcome: connected}]
)";
  EXPECT_EQ(verdictOf(service), "works");
  EXPECT_EQ(about("connection", service), R"(ok [fd00:96::1]:80 accepts connections from this node
ok 1 endpoint of port 80/TCP accepts connections
)");
  EXPECT_EQ(placesToDial(factsOf(service), 9), (std::vector<std::string>{"[fd00:96::1]:80", "[fd00::7]:8080"}));
}

TEST(DiagnosisTest, WhatCouldNotBeReadIsSaid) {
  ServiceFacts facts = factsOf(kService);
  facts.unread = {"events: forbidden"};
  std::string text = renderText(diagnose(facts));
  EXPECT_NE(text.find("note  facts            not everything could be read\n      - events: forbidden\n"),
            std::string::npos)
      << text;
}

TEST(DiagnosisTest, TheDnsIsAskedForNamesAndNamedPortsAndTheTargetOfAnAlias) {
  std::string questions;
  for (const auto& question : questionsFor(factsOf(kService))) questions += question.name + " " + question.type + "\n";
  EXPECT_EQ(questions,
            "web.default.svc.cluster.local. A\nweb.default.svc.cluster.local. AAAA\n"
            "_http._tcp.web.default.svc.cluster.local. SRV\n");
}

// -- NetworkPolicies --

std::string policy(const std::string& name, const std::string& spec, const std::string& ns = "default") {
  return "---\nkind: NetworkPolicy\nmetadata: {name: " + name + ", namespace: " + ns + "}\nspec: " + spec + "\n";
}

const std::string kBehind = kService + kPod + kSlice;
const std::string kDeny = policy("deny", "{podSelector: {}, policyTypes: [Ingress]}");
const std::string kClient = R"(
---
kind: Pod
metadata: {name: client, namespace: shop, labels: {client: "yes", app: shop}}
spec: {containers: [{name: c}]}
status: {podIP: 10.244.0.9, podIPs: [{ip: 10.244.0.9}]}
---
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
kind: Namespace
metadata: {name: default, labels: {team: b}}
)";

std::string fromSomebody(const std::string& peer, const std::string& ports = "[]") {
  return policy("some", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [" + peer +
                            "], ports: " + ports + "}]}");
}

TEST(DiagnosisTest, PodsThatPoliciesIsolate) {
  EXPECT_EQ(about("network policy", kBehind), "");
  EXPECT_EQ(about("network policy", kBehind + policy("others",
                                                     "{podSelector: {matchLabels: {app: db}}, policyTypes: "
                                                     "[Ingress]}")),
            "");
  EXPECT_EQ(about("network policy", kBehind + policy("out", "{podSelector: {}, policyTypes: [Egress]}")), "");
  EXPECT_EQ(about("network policy", kBehind + kDeny),
            "note NetworkPolicy default/deny allows no pod to connect to port 8080/TCP of pod web-1\n"
            "- the node reaches its pods nevertheless, and so do Ingresses\n");
  // Another port is as good as none.
  EXPECT_EQ(about("network policy", kBehind + kDeny + fromSomebody("", "[{port: 80}]")),
            "note NetworkPolicies default/deny, default/some allow no pod to connect to port 8080/TCP of pod web-1\n"
            "- the node reaches its pods nevertheless, and so do Ingresses\n");
  EXPECT_EQ(about("network policy", kBehind + fromSomebody("{podSelector: {}}", "[{port: web}]")),
            "note NetworkPolicy default/some limits who may connect to port 8080/TCP of pod web-1\n"
            "- --from POD tells whether that one may\n");
  EXPECT_EQ(verdictOf(kBehind + kDns + kKernel + kDials + kDeny), "works");
}

TEST(DiagnosisTest, WhetherPoliciesLetAPodConnect) {
  struct Case {
    const char* name;
    std::string policies;
    const char* cutBy;  // "": it may
  };
  const std::string egress = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [";
  const Case cases[] = {
      {"without any", "", ""},
      {"all are kept out", kDeny, "NetworkPolicy default/deny"},
      {"its namespace may", kDeny + fromSomebody("{namespaceSelector: {matchLabels: {team: a}}}"), ""},
      {"another namespace may", fromSomebody("{namespaceSelector: {matchLabels: {team: b}}}"),
       "NetworkPolicy default/some"},
      {"its like of the own namespace may", fromSomebody("{podSelector: {matchLabels: {app: shop}}}"),
       "NetworkPolicy default/some"},
      {"its like of its namespace may",
       fromSomebody("{namespaceSelector: {}, podSelector: {matchLabels: {app: shop}}}"), ""},
      {"its address may", fromSomebody("{ipBlock: {cidr: 10.244.0.0/16}}"), ""},
      {"its address is excepted", fromSomebody("{ipBlock: {cidr: 10.244.0.0/16, except: [10.244.0.9/32]}}"),
       "NetworkPolicy default/some"},
      {"to a range of ports", fromSomebody("", "[{port: 8000, endPort: 8100}]"), ""},
      {"to another protocol", fromSomebody("", "[{port: 8080, protocol: UDP}]"), "NetworkPolicy default/some"},
      {"it may go nowhere", policy("stay", "{podSelector: {}, policyTypes: [Egress]}", "shop"),
       "NetworkPolicy shop/stay"},
      {"it may go there", policy("go", egress + "{namespaceSelector: {matchLabels: {team: b}}}]}]}", "shop"), ""},
      {"it may go elsewhere", policy("go", egress + "{ipBlock: {cidr: 192.0.2.0/24}}]}]}", "shop"),
       "NetworkPolicy shop/go"},
  };
  for (const Case& each : cases) {
    const std::string cut = std::string("FAIL ") + each.cutBy +
                            " does not allow pod shop/client to connect to port 8080/TCP of pod web-1\n"
                            "- the node reaches its pods nevertheless, and so do Ingresses\n";
    EXPECT_EQ(about("network policy", kBehind + kClient + each.policies),
              *each.cutBy ? cut : "ok pod shop/client may connect to pod web-1\n")
        << each.name;
  }
}

}  // namespace
}  // namespace wherry::cli

// How long it takes until the kernel judges by NetworkPolicies, and by changes of pods and policies: 2,000 policies
// over 1,000 pods in 100 namespaces, in a network namespace of its own (needs root). From the parsed objects on. Prints
// one figure a line; "of CPU" is this process' time in user space and in the kernel, which is what a busy machine
// doesn't change much.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "base/fd.h"
#include "json/yaml.h"
#include "policy/isolation.h"
#include "policy/kernel_table.h"

namespace {

using namespace wherry;
using policy::Isolation;

constexpr int kNamespaces = 100;
constexpr int kPodsEach = 10;
constexpr int kAppsEach = 5;  // two pods of each
constexpr int kChanges = 1000;
constexpr int kCrowd = 300;
const base::IpPrefix kOwnPods = *base::IpPrefix::parse("10.244.0.0/16");

// In milliseconds.
struct Cost {
  double wall = 0, cpu = 0;
};
double now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}
Cost costOf(const std::function<void()>& work) {
  Cost start{now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID)};
  work();
  return {now(CLOCK_MONOTONIC) - start.wall, now(CLOCK_PROCESS_CPUTIME_ID) - start.cpu};
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
}

meta::ObjectPtr object(const std::string& yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }

std::string podKey(int ns, int pod) { return fmt::format("ns{}/pod{}", ns, pod); }

policy::PodFacts pod(int ns, int number, const char* version) {
  int index = ns * kPodsEach + number + 1;
  return policy::readPod(object(fmt::format(
      "{{metadata: {{namespace: ns{0}, name: pod{1}, labels: {{app: app{2}, version: {3}, pod-name: pod{1}}}}}, spec: "
      "{{containers: [{{name: c, ports: [{{name: http, containerPort: 8080}}, {{name: metrics, containerPort: "
      "9090}}]}}]}}, status: {{phase: Running, podIPs: [{{ip: 10.244.{4}.{5}}}]}}}}",
      ns, number, number % kAppsEach, version, index / 256, index % 256)));
}

// Twenty of each namespace, as one finds them: closed by default, DNS, its own pods, monitoring, and those of each app.
std::vector<std::string> policiesOf(int ns) {
  std::vector<std::string> specs = {
      "{podSelector: {}, policyTypes: [Ingress, Egress]}",
      "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {name: kube-system}}, "
      "podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}, {port: 53, protocol: "
      "TCP}]}]}",
      "{podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {}}]}], egress: [{to: "
      "[{podSelector: {}}]}]}",
      "{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: ops}}}], "
      "ports: [{port: metrics, protocol: TCP}]}]}",
      "{podSelector: {matchLabels: {version: old}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "
      "0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12]}}]}]}"};
  for (int app = 0; app < kAppsEach; ++app) {
    int other = (ns + app + 1) % kNamespaces;
    specs.push_back(
        fmt::format("{{podSelector: {{matchLabels: {{app: app{}}}}}, policyTypes: [Ingress], ingress: "
                    "[{{from: [{{namespaceSelector: {{matchLabels: {{name: ns{}}}}}, podSelector: "
                    "{{matchLabels: {{app: app{}}}}}}}], ports: [{{port: http, protocol: TCP}}]}}]}}",
                    app, other, app));
    specs.push_back(
        fmt::format("{{podSelector: {{matchLabels: {{app: app{}}}}}, policyTypes: [Egress], egress: [{{to: "
                    "[{{namespaceSelector: {{matchLabels: {{name: ns{}}}}}}}], ports: [{{port: http, "
                    "protocol: TCP}}, {{port: 443, protocol: TCP}}]}}]}}",
                    app, other));
    specs.push_back(
        fmt::format("{{podSelector: {{matchLabels: {{app: app{}}}}}, policyTypes: [Ingress], ingress: "
                    "[{{from: [{{ipBlock: {{cidr: 198.51.{}.0/24, except: [198.51.{}.{}/32]}}}}], ports: "
                    "[{{port: 8000, endPort: 8100, protocol: TCP}}]}}]}}",
                    app, ns, ns, app));
  }
  return specs;
}

std::string policyKey(int ns, size_t number) { return fmt::format("ns{}/policy{}", ns, number); }

policy::NetworkPolicy read(int ns, const std::string& spec) {
  return policy::readNetworkPolicy(*object(fmt::format("{{metadata: {{namespace: ns{}}}, spec: {}}}", ns, spec)));
}

void addNamespaces(Isolation& isolation) {
  for (int ns = 0; ns < kNamespaces; ++ns) {
    auto labels = json::parseYaml(fmt::format("{{name: ns{}, team: {}}}", ns, ns % 20 == 0 ? "ops" : "other"));
    isolation.setNamespace(fmt::format("ns{}", ns), &labels.get_object());
  }
}

void print(const char* what, const std::vector<Cost>& costs) {
  std::vector<double> wall, cpu;
  for (const Cost& cost : costs) {
    wall.push_back(cost.wall);
    cpu.push_back(cost.cpu);
  }
  std::printf("policies: %s: p50 %.2f ms, p99 %.2f ms; of CPU p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", what,
              percentile(wall, 0.5), percentile(wall, 0.99), percentile(cpu, 0.5), percentile(cpu, 0.99),
              percentile(cpu, 1));
}

}  // namespace

int main() {
  if (::unshare(CLONE_NEWNET) != 0) base::throwErrno("make a network namespace");
  std::vector<std::pair<std::string, policy::NetworkPolicy>> policies;
  std::vector<std::pair<std::string, policy::PodFacts>> pods;
  for (int ns = 0; ns < kNamespaces; ++ns) {
    auto specs = policiesOf(ns);
    for (size_t i = 0; i < specs.size(); ++i) policies.emplace_back(policyKey(ns, i), read(ns, specs[i]));
    for (int i = 0; i < kPodsEach; ++i) pods.emplace_back(podKey(ns, i), pod(ns, i, "old"));
  }
  Isolation isolation(base::IpFamily::kIPv4, kOwnPods);
  policy::KernelTable kernel(kOwnPods);
  Cost pure;
  Cost load = costOf([&] {
    pure = costOf([&] {
      addNamespaces(isolation);
      for (const auto& [key, policy] : policies) isolation.setPolicy(key, policy);
      for (const auto& [key, facts] : pods) isolation.setPod(key, facts);
      isolation.settle();
    });
    kernel.replace(isolation.content());
  });
  std::printf(
      "policies: %zu over %zu pods until the kernel judges by them: %.0f ms, %.0f of them the kernel's; of CPU %.0f "
      "ms, %.0f\n",
      policies.size(), pods.size(), load.wall, load.wall - pure.wall, load.cpu, load.cpu - pure.cpu);
  std::printf("policies: that are %zu chains and %zu sets\n", isolation.content().chains().size(),
              isolation.content().sets().size());
  auto apply = [&] { kernel.apply(isolation.settle()); };
  std::vector<Cost> labels, comes, goes, crowds, edits;
  for (int i = 0; i < kChanges; ++i) {
    int ns = i * 7 % kNamespaces, number = i / kNamespaces % kPodsEach;
    auto next = pod(ns, number, "new");  // each pod once
    labels.push_back(costOf([&] {
      isolation.setPod(podKey(ns, number), next);
      apply();
    }));
    goes.push_back(costOf([&] {
      isolation.setPod(podKey(ns, number), std::nullopt);
      apply();
    }));
    comes.push_back(costOf([&] {
      isolation.setPod(podKey(ns, number), next);
      apply();
    }));
  }
  // Each of hundreds at once; the change of one of them is known to the kernel with the others'.
  for (int i = 0; i < 20; ++i) {
    std::vector<std::pair<std::string, policy::PodFacts>> changed;
    for (int of = 0; of < kCrowd; ++of) {
      int ns = of % kNamespaces, number = of / kNamespaces;
      changed.emplace_back(podKey(ns, number), pod(ns, number, i % 2 == 0 ? "old" : "new"));
    }
    crowds.push_back(costOf([&] {
      for (const auto& [key, facts] : changed) isolation.setPod(key, facts);
      apply();
    }));
  }
  for (int i = 0; i < 200; ++i) {
    int ns = i % kNamespaces;
    auto changed = read(ns, policiesOf((ns + i / kNamespaces + 1) % kNamespaces)[5]);
    edits.push_back(costOf([&] {
      isolation.setPolicy(policyKey(ns, 5), changed);
      apply();
    }));
  }
  print("a pod's label changes", labels);
  print("a pod comes", comes);
  print("a pod goes", goes);
  print("the labels of 300 pods change at once", crowds);
  print("a policy of two pods changes", edits);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("policies: peak memory %ld MB\n", usage.ru_maxrss / 1024);
}

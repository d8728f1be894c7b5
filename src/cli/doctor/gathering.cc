#include "cli/doctor/gathering.h"

#include <chrono>
#include <functional>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "cli/doctor/findings.h"
#include "meta/status.h"

namespace wherry::cli {
namespace {

constexpr size_t kMostDials = 64;  // as the admin endpoint takes them
constexpr std::chrono::seconds kPatience{15};
constexpr std::string_view kServiceName = "kubernetes.io/service-name";

// The node's answer, or why there is none.
json::Value ask(const std::function<json::Value()>& question) {
  try {
    return question();
  } catch (const std::exception& error) {
    return {{"failure", error.what()}};
  }
}

template <typename V>
std::vector<V> list(client::Client& api, std::string_view ns, const client::ListOptions& options, ServiceFacts& facts) {
  std::vector<V> views;
  try {
    for (const meta::ObjectPtr& object : api.list(V::kResource(), ns, options).items) views.emplace_back(object);
  } catch (const meta::StatusError& error) {
    facts.unread.push_back(fmt::format("{}: {}", V::kResource().resource, error.what()));
  }
  return views;
}

void readObjects(client::Client& api, const std::string& ns, const std::string& name, ServiceFacts& facts) {
  facts.service = api.get<core_v1::Service>(ns, name);
  client::ListOptions ofService{.labelSelector = fmt::format("{}={}", kServiceName, name)};
  facts.slices = list<discovery_v1::EndpointSlice>(api, ns, ofService, facts);
  facts.pods = list<core_v1::Pod>(api, ns, {}, facts);
  facts.events = list<core_v1::Event>(api, ns, {}, facts);
  if (!hasSelector(facts.service) || !selectedPods(facts).empty()) return;
  client::ListOptions alike{.labelSelector = selectorText(facts.service)};
  facts.podsElsewhere = list<core_v1::Pod>(api, "", alike, facts);
}

// What of NetworkPolicies decides who may connect.
void readPolicies(client::Client& api, const ServiceQuestion& question, ServiceFacts& facts) {
  facts.networkPolicies = list<networking_v1::NetworkPolicy>(api, question.ns, {}, facts);
  if (question.from.empty()) return;
  auto parts = base::splitOnce(question.from, '/');
  std::string ns = parts ? std::string(parts->first) : question.ns;
  facts.from = api.get<core_v1::Pod>(ns, parts ? std::string(parts->second) : question.from);
  for (const std::string& each : {question.ns, ns}) {
    facts.namespaceLabels[each] = api.get<core_v1::Namespace>("", each).metadata().labels();
  }
  if (ns == question.ns) return;
  auto others = list<networking_v1::NetworkPolicy>(api, ns, {}, facts);
  facts.networkPolicies.insert(facts.networkPolicies.end(), others.begin(), others.end());
}

void askDnsAboutService(const AdminClient& node, ServiceFacts& facts) {
  for (const DnsQuestion& question : questionsFor(facts)) {
    facts.dns.push_back({question.name, question.type, askClusterDns(node, question.name, question.type)});
    if (!failureOf(facts.dns.back().answer).empty()) return;  // who is silent once is not waited for again
  }
}

json::Value readKernel(const AdminClient& node, const meta::ObjectKey& service) {
  return ask([&] { return node.get("/doctor/kernel?service=" + base::encodePercent(service.text()), kPatience); });
}

json::Value dial(const AdminClient& node, const std::vector<std::string>& places) {
  if (places.empty()) return json::Object();
  std::string to = base::encodePercent(base::join(places, ","));
  return ask([&] { return node.post("/doctor/dial?to=" + to, kPatience); });
}

}  // namespace

json::Value askClusterDns(const AdminClient& node, const std::string& name, const std::string& type) {
  std::string path = fmt::format("/doctor/dns?name={}&type={}", base::encodePercent(name), base::encodePercent(type));
  return ask([&] { return node.get(path, kPatience); });
}

ServiceFacts gatherServiceFacts(client::Client& api, const AdminClient& node, const ServiceQuestion& question,
                                const std::string& clusterDomain) {
  ServiceFacts facts;
  facts.clusterDomain = clusterDomain;
  readObjects(api, question.ns, question.name, facts);
  readPolicies(api, question, facts);
  facts.kernel = readKernel(node, facts.service.key());
  askDnsAboutService(node, facts);
  if (!isExternalName(facts.service)) facts.dials = dial(node, placesToDial(facts, kMostDials));
  return facts;
}

}  // namespace wherry::cli

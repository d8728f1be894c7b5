#include "main/status_report.h"

#include <array>

#include <fmt/format.h>

#include "main/ip_families.h"
#include "meta/time.h"
#include "views/core_v1.h"

namespace wherry::main {
namespace {

constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kSoon = 30 * kDay;  // renewal should have happened long before
constexpr size_t kPodsNamed = 5;

void addParts(const Report& report, std::vector<Problem>& problems) {
  for (const auto& part : report.parts.parts) {
    if (!part.ready) problems.push_back({fmt::format("{} is not ready: {}", part.name, part.state), "see the log"});
  }
  if (!report.apiFailure.empty() && report.parts.ready()) {
    problems.push_back({"the API does not answer: " + report.apiFailure, "see the log"});
  }
}

void addNodes(const Report& report, std::vector<Problem>& problems) {
  for (const meta::ObjectPtr& node : report.nodes) {
    const json::Value* conditions = json::find(node->tree(), "status.conditions");
    if (!conditions || !conditions->is_array()) continue;
    for (const json::Value& condition : conditions->get_array()) {
      bool readiness = json::getString(condition, "type") == "Ready";
      bool good = (json::getString(condition, "status") == "True") == readiness;
      if (good) continue;
      problems.push_back(
          {fmt::format("node {}: {} is {}: {}", node->metadata().name(), json::getString(condition, "type"),
                       json::getString(condition, "status"), json::getString(condition, "message")),
           fmt::format("kubectl describe node {}", node->metadata().name())});
    }
  }
}

void addPods(const Report& report, std::vector<Problem>& problems) {
  size_t named = 0;
  for (const meta::ObjectPtr& pod : report.troubledPods) {
    if (++named > kPodsNamed) continue;
    auto meta = pod->metadata();
    problems.push_back({fmt::format("pod {}/{}: {}", meta.ns(), meta.name(), troubleOf(*pod)),
                        fmt::format("kubectl -n {} describe pod {}", meta.ns(), meta.name())});
  }
  if (named > kPodsNamed) {
    problems.push_back({fmt::format("{} more pods are in trouble", named - kPodsNamed), "kubectl get pods -A"});
  }
}

int64_t daysUntil(base::WallTime end, base::WallTime now) {
  return std::chrono::duration_cast<std::chrono::hours>(end - now).count() / 24;
}

void addCertificates(const Report& report, std::vector<Problem>& problems) {
  for (const CertificateReport& certificate : report.certificates) {
    if (certificate.notAfter > report.now + kSoon) continue;
    problems.push_back({fmt::format("certificate {} ends {}", certificate.name, meta::formatTime(certificate.notAfter)),
                        "it should have renewed itself: see the log, and restart the server"});
  }
}

json::Array renderCertificates(const Report& report) {
  json::Array out;
  for (const CertificateReport& certificate : report.certificates) {
    out.push_back({{"name", certificate.name},
                   {"notAfter", meta::formatTime(certificate.notAfter)},
                   {"daysLeft", daysUntil(certificate.notAfter, report.now)}});
  }
  return out;
}

template <typename Map>
json::Object renderMap(const Map& map) {
  json::Object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}

// Waiting for an image or to be created is no trouble, being held back is.
bool isTrouble(std::string_view reason) {
  constexpr std::array<std::string_view, 3> kUsual = {"", "ContainerCreating", "PodInitializing"};
  return std::find(kUsual.begin(), kUsual.end(), reason) == kUsual.end();
}

}  // namespace

std::string troubleOf(const meta::Object& pod) {
  const json::Value& tree = pod.tree();
  for (const char* list : {"status.initContainerStatuses", "status.containerStatuses"}) {
    const json::Value* statuses = json::find(tree, list);
    if (!statuses || !statuses->is_array()) continue;
    for (const json::Value& status : statuses->get_array()) {
      std::string_view reason = json::getString(status, "state.waiting.reason");
      if (isTrouble(reason)) return fmt::format("{}: {}", reason, json::getString(status, "state.waiting.message"));
    }
  }
  const json::Value* conditions = json::find(tree, "status.conditions");
  if (!conditions || !conditions->is_array()) return {};
  for (const json::Value& condition : conditions->get_array()) {
    if (json::getString(condition, "type") == "PodScheduled" && json::getString(condition, "reason") == "Unschedulable")
      return fmt::format("Unschedulable: {}", json::getString(condition, "message"));
  }
  return {};
}

std::vector<Problem> findProblems(const Report& report) {
  std::vector<Problem> problems;
  addParts(report, problems);
  addNodes(report, problems);
  addPods(report, problems);
  addCertificates(report, problems);
  for (const Finding& finding : report.findings) {
    if (finding.level == Level::kOk) continue;
    problems.push_back({fmt::format("{}: {}", finding.name, finding.text), finding.remedy});
  }
  return problems;
}

json::Value renderParts(const Readiness::Snapshot& parts) {
  return {{"ready", parts.ready()}, {"change", parts.change}, {"parts", toJson(parts.parts)}};
}

json::Value renderReport(const Report& report) {
  const ServerOptions& options = report.options;
  const Usage& usage = report.usage;
  json::Array problems;
  for (const Problem& problem : findProblems(report)) {
    problems.push_back({{"text", problem.text}, {"remedy", problem.remedy}});
  }
  return {{"ready", report.parts.ready()},
          {"version", WHERRY_VERSION},
          {"uptimeSeconds", report.uptime.count()},
          {"url", "https://" + hostAndPort(options.nodeIp, options.port)},
          {"node", options.nodeName},
          {"nodeIp", options.nodeIps},
          {"clusterDns", options.clusterDns},
          {"clusterCidr", options.clusterCidr},
          {"serviceCidr", options.serviceCidr},
          {"dataDir", options.dataDir},
          {"kubeconfig", options.kubeconfig},
          {"parts", toJson(report.parts.parts)},
          {"pods", renderMap(report.pods)},
          {"versions", renderMap(report.versions)},
          {"certificates", renderCertificates(report)},
          {"disk",
           {{"size", usage.diskSize},
            {"free", usage.diskFree},
            {"store", usage.store},
            {"images", usage.images},
            {"pods", usage.pods},
            {"logs", usage.logs}}},
          {"memory", {{"resident", usage.residentMemory}, {"proportional", usage.proportionalMemory}}},
          {"problems", std::move(problems)}};
}

}  // namespace wherry::main

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

constexpr size_t kMostFailures = 5;

// What came of the connections that were tried, by where to.
using Outcomes = std::map<std::string, std::string, std::less<>>;

Outcomes outcomesOf(const json::Value& dials) {
  Outcomes outcomes;
  const json::Value* list = json::find(dials, "dials");
  if (!list || !list->is_array()) return outcomes;
  for (const json::Value& dial : list->get_array()) {
    outcomes.emplace(json::getString(dial, "to"), json::getString(dial, "outcome"));
  }
  return outcomes;
}

Finding failed(std::string text, std::vector<std::string> facts = {}) {
  return {"connection", Level::kFail, std::move(text), std::move(facts)};
}

Finding endpointFailure(const Target& target, const std::string& outcome) {
  std::string who = target.pod.empty() ? target.at : fmt::format("{} (pod {})", target.at, target.pod);
  if (outcome == "refused") {
    return failed(fmt::format("nothing listens on {}: the connection was refused", who),
                  {"is it another port, or does the process listen on 127.0.0.1 alone?"});
  }
  if (outcome == "timeout") {
    return failed(fmt::format("{} did not answer within 1 s", who),
                  {"packets to it or back are dropped on the way, or its process is too busy to accept"});
  }
  return failed(fmt::format("{} can't be reached: {}", who, outcome));
}

class ConnectionCheck {
 public:
  ConnectionCheck(const ServiceFacts& facts, Findings& findings)
      : facts_(facts), findings_(findings), outcomes_(outcomesOf(facts.dials)) {}

  void add() {
    for (auto port : facts_.service.spec().ports()) {
      if (protocolOf(port.protocol()) == "TCP")
        addPort(port);
      else
        findings_.push_back(
            {"connection", Level::kNote,
             fmt::format("port {} is not tried: only TCP tells whether somebody listens", portText(port))});
    }
  }

 private:
  void addPort(const core_v1::ServicePort& port) {
    auto targets = targetsOf(facts_, port);
    size_t accepting = 0, failures = 0, tried = 0;
    for (const Target& target : targets) {
      auto outcome = outcomes_.find(target.at);
      if (outcome == outcomes_.end()) continue;
      ++tried;
      if (outcome->second == "connected")
        ++accepting;
      else if (++failures <= kMostFailures)
        findings_.push_back(endpointFailure(target, outcome->second));
    }
    if (failures > kMostFailures)
      findings_.push_back(failed(fmt::format("{} more endpoints fail alike", failures - kMostFailures)));
    addFront(port, !targets.empty());
    if (accepting == 0) return;
    std::string all = tried == targets.size() ? "" : fmt::format(", {} of {} were tried", tried, targets.size());
    findings_.push_back({"connection", Level::kOk,
                         fmt::format("{} of port {} {} connections{}", counted(accepting, "endpoint"), portText(port),
                                     accepting == 1 ? "accepts" : "accept", all)});
  }

  void addFront(const core_v1::ServicePort& port, bool anyTarget) {
    for (const std::string& ip : clusterIps(facts_.service)) {
      std::string at = atPort(ip, port.port());
      auto outcome = outcomes_.find(at);
      if (outcome == outcomes_.end()) continue;
      if (outcome->second == "connected") {
        findings_.push_back({"connection", Level::kOk, fmt::format("{} accepts connections from this node", at)});
      } else if (outcome->second == "refused" && !anyTarget) {
        findings_.push_back(
            {"connection", Level::kNote, fmt::format("{} refuses connections: it has no endpoints", at)});
      } else if (outcome->second == "refused") {
        findings_.push_back(failed(fmt::format("{} refused a connection from this node", at)));
      } else if (outcome->second == "timeout") {
        findings_.push_back(failed(fmt::format("{} did not answer a connection from this node within 1 s", at)));
      } else {
        findings_.push_back(failed(fmt::format("{} can't be reached from this node: {}", at, outcome->second)));
      }
    }
  }

  const ServiceFacts& facts_;
  Findings& findings_;
  Outcomes outcomes_;
};

}  // namespace

void addConnectionFindings(const ServiceFacts& facts, Findings& findings) {
  if (isExternalName(facts.service)) return;
  if (std::string_view failure = failureOf(facts.dials); !failure.empty()) {
    findings.push_back({"connection", Level::kNote, fmt::format("none can be tried: {}", failure)});
    return;
  }
  ConnectionCheck(facts, findings).add();
}

}  // namespace wherry::cli

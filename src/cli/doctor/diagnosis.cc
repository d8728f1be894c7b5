#include "cli/doctor/diagnosis.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/doctor/findings.h"

namespace wherry::cli {
namespace {

// Causes before what they lead to.
constexpr void (*kParts[])(const ServiceFacts&, Findings&) = {
    addTypeFindings,  addSelectorFindings, addPodFindings,        addPortFindings,
    addSliceFindings, addPolicyFindings,   addIsolationFindings,  addBalancerFindings,
    addDnsFindings,   addKernelFindings,   addConnectionFindings,
};

const Finding* firstFailure(const Findings& findings) {
  auto at = std::find_if(findings.begin(), findings.end(), [](auto& f) { return f.level == Level::kFail; });
  return at == findings.end() ? nullptr : &*at;
}

}  // namespace

const char* levelText(Level level) { return level == Level::kOk ? "ok" : level == Level::kNote ? "note" : "FAIL"; }

std::string_view failureOf(const json::Value& answer) { return json::getString(answer, "failure"); }

bool Diagnosis::works() const { return !firstFailure(findings); }

std::string Diagnosis::verdict() const {
  const Finding* failure = firstFailure(findings);
  return failure ? "doesn't work because " + failure->text : "works";
}

Diagnosis diagnose(const ServiceFacts& facts) {
  Diagnosis diagnosis{facts.service.key().text(), {}};
  for (auto* addFindings : kParts) addFindings(facts, diagnosis.findings);
  for (const std::string& what : facts.unread) {
    diagnosis.findings.push_back({"facts", Level::kNote, "not everything could be read", {what}});
  }
  return diagnosis;
}

std::string renderText(const Diagnosis& diagnosis) {
  std::string text;
  for (const Finding& finding : diagnosis.findings) {
    text += fmt::format("{:<5} {:<16} {}\n", levelText(finding.level), finding.about, finding.text);
    for (const std::string& fact : finding.facts) text += fmt::format("      - {}\n", fact);
  }
  return text + fmt::format("Service {} {}\n", diagnosis.service, diagnosis.verdict());
}

json::Value renderJson(const Diagnosis& diagnosis) {
  json::Array findings;
  for (const Finding& finding : diagnosis.findings) {
    findings.push_back({{"about", finding.about},
                        {"level", levelText(finding.level)},
                        {"text", finding.text},
                        {"facts", json::Array(finding.facts.begin(), finding.facts.end())}});
  }
  return {{"service", diagnosis.service},
          {"works", diagnosis.works()},
          {"verdict", diagnosis.verdict()},
          {"findings", std::move(findings)}};
}

}  // namespace wherry::cli

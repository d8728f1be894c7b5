// Why a Service works or not: all findings in the order of cause and effect, and a verdict. Pure.
#pragma once

#include <string>

#include "cli/doctor/finding.h"
#include "cli/doctor/service_facts.h"
#include "json/value.h"

namespace wherry::cli {

struct Diagnosis {
  std::string service;  // "default/web"
  Findings findings;

  bool works() const;
  // "works", or "doesn't work because no pod has tier=front": the first cause.
  std::string verdict() const;
};

Diagnosis diagnose(const ServiceFacts& facts);

std::string renderText(const Diagnosis& diagnosis);
// {"service", "works", "verdict", "findings": [{"about", "level", "text", "facts"}]}
json::Value renderJson(const Diagnosis& diagnosis);

}  // namespace wherry::cli

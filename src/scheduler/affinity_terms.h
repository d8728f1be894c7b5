// AffinityTerm: one term of a pod's inter-pod affinity or anti-affinity, read once and then only matched. A value;
// pure. matchLabelKeys and mismatchLabelKeys have been made part of the selector when the pod was created (KEP-3633).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "meta/selector.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

struct AffinityTerm {
  std::string topologyKey;
  meta::LabelSelector selector;
  std::set<std::string, std::less<>> namespaces;
  meta::LabelSelector namespaceSelector;
  int64_t weight = 0;  // of preferred terms

  // A pod with these labels in a namespace with those.
  bool matches(std::string_view ns, const json::Object& namespaceLabels, const json::Object& labels) const;
};

struct AffinityTerms {
  std::vector<AffinityTerm> required, requiredAnti;
  std::vector<AffinityTerm> preferred, preferredAnti;

  bool empty() const { return required.empty() && requiredAnti.empty() && preferred.empty() && preferredAnti.empty(); }
};

AffinityTerms affinityTermsOf(const core_v1::Pod& pod);

}  // namespace wherry::scheduler

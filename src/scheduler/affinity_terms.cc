#include "scheduler/affinity_terms.h"

namespace wherry::scheduler {

namespace {

AffinityTerm readTerm(const core_v1::PodAffinityTerm& term, std::string_view ownNamespace, int64_t weight) {
  AffinityTerm read{.topologyKey = std::string(term.topologyKey()),
                    .selector = meta::LabelSelector::fromObject(term.field("labelSelector")),
                    .namespaces = {},
                    .namespaceSelector = meta::LabelSelector::fromObject(term.field("namespaceSelector")),
                    .weight = weight};
  for (const auto ns : term.namespaces()) read.namespaces.emplace(ns);
  if (read.namespaces.empty() && !term.has("namespaceSelector")) read.namespaces.emplace(ownNamespace);
  return read;
}

// `terms` is a PodAffinity or a PodAntiAffinity.
template <typename Terms>
void readTerms(const Terms& terms, std::string_view ns, std::vector<AffinityTerm>& required,
               std::vector<AffinityTerm>& preferred) {
  for (const auto term : terms.requiredDuringSchedulingIgnoredDuringExecution()) {
    required.push_back(readTerm(term, ns, 0));
  }
  for (const auto weighted : terms.preferredDuringSchedulingIgnoredDuringExecution()) {
    preferred.push_back(readTerm(weighted.podAffinityTerm(), ns, weighted.weight()));
  }
}

}  // namespace

bool AffinityTerm::matches(std::string_view ns, const json::Object& namespaceLabels, const json::Object& labels) const {
  return (namespaces.contains(ns) || namespaceSelector.matches(namespaceLabels)) && selector.matches(labels);
}

AffinityTerms affinityTermsOf(const core_v1::Pod& pod) {
  AffinityTerms terms;
  const auto affinity = pod.spec().affinity();
  if (!affinity) return terms;
  const auto ns = pod.metadata().ns();
  readTerms(affinity.podAffinity(), ns, terms.required, terms.preferred);
  readTerms(affinity.podAntiAffinity(), ns, terms.requiredAnti, terms.preferredAnti);
  return terms;
}

}  // namespace wherry::scheduler

// Node selectors, as pods' node affinity and PersistentVolumes have them. Pure.
#pragma once

#include <string_view>

#include "json/value.h"
#include "meta/object.h"

namespace wherry::meta {

// One NodeSelectorTerm: all of its matchExpressions, on labels, and matchFields, on metadata.name. An empty one matches
// nothing.
bool matchesNodeSelectorTerm(const json::Object& term, const Metadata& node);
// A NodeSelector: any of its nodeSelectorTerms.
bool matchesNodeSelector(const json::Object& selector, const Metadata& node);

}  // namespace wherry::meta

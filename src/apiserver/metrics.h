// metrics.k8s.io: what nodes and pods use, read from the nodes at the moment of the request. Nothing is stored and
// nothing is sampled in between. A node that can't be reached, and a pod that runs nowhere, has no metrics.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/list_options.h"
#include "apiserver/lister.h"
#include "schema/kind.h"

namespace wherry::apiserver {

inline constexpr std::string_view kMetricsGroup = "metrics.k8s.io";

// As listEntries; the listing has no revision. REQUIRES: a kind of metrics.k8s.io.
Listing listMetrics(const Backend& backend, const schema::Kind& kind, std::string_view ns, const ListOptions& options);

// The pure half: an object's metadata, and what was measured, as NodeMetrics and PodMetrics (without TypeMeta).
json::Value renderNodeMetrics(const json::Value& node, const client::Usage& usage);
json::Value renderPodMetrics(const json::Value& pod, const client::PodUsage& usage);

// A length of time as Go writes it: "15.083s", "1m0s", "0s".
std::string renderGoDuration(std::chrono::milliseconds duration);

}  // namespace wherry::apiserver

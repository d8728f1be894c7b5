// Which pods a pod is spread among when it has no constraints of its own: those that its Services and its controller
// select. Pure.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "meta/selector.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

// What is there; null for what isn't.
struct Workloads {
  std::function<std::vector<meta::ObjectPtr>(std::string_view ns)> services;
  // A ReplicationController, ReplicaSet or StatefulSet.
  std::function<meta::ObjectPtr(std::string_view kind, std::string_view ns, std::string_view name)> controller;
};

// Matches nothing when there are none.
meta::LabelSelector siblingsOf(const core_v1::Pod& pod, const Workloads& workloads);

}  // namespace wherry::scheduler

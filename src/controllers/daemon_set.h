// The DaemonSet controller: one pod on every node that the set's template can be on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/object.h"
#include "views/apps_v1.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeDaemonSetController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

// A pod's label of this name and the set's annotation count the set's templates; older clients show and compare them.
inline constexpr std::string_view kTemplateGenerationLabel = "pod-template-generation";
inline constexpr std::string_view kTemplateGeneration = "deprecated.daemonset.template.generation";

// Where a set's pods belong. Resources don't count: a pod that doesn't fit waits, or makes room by its priority.
class DaemonPlacement {
 public:
  explicit DaemonPlacement(const apps_v1::DaemonSet& set);

  struct Verdict {
    bool run = false;   // shall have a pod
    bool stay = false;  // a pod that is there may stay: on a node that was tainted NoSchedule afterwards
  };
  Verdict on(const core_v1::Node& node) const;

 private:
  json::Value spec_;  // of its pods
};

// The pod of this node: bound to it by node affinity on metadata.name (the scheduler places it), with the tolerations
// that every daemon has. `hash`: of the template, as its ControllerRevision has it.
json::Value daemonPod(const apps_v1::DaemonSet& set, std::string_view node, std::string_view hash);

// The node a pod runs on or is made for; "" when it is for none.
std::string_view targetNode(const core_v1::Pod& pod);

// Until when a node's failed pod is left alone; nothing when it may be replaced now.
using FailureWait = std::function<std::optional<base::WallTime>(std::string_view node)>;

struct DaemonActions {
  std::vector<std::string> create;      // names of nodes
  std::vector<core_v1::Pod> remove;     // among them those that ended by themselves
  std::optional<base::WallTime> again;  // when a pod's back-off ends, or it has been ready for minReadySeconds
};
// At most so many pods are created, and so many deleted, in one go.
inline constexpr size_t kDaemonSetBurst = 250;
// What may be done now: one pod a node first; when that is so, a step of the rolling update (KEP-1591 for maxSurge).
// The events of what is done bring the next step. `pods` are the set's own.
DaemonActions decideDaemonSet(const apps_v1::DaemonSet& set, const std::vector<core_v1::Pod>& pods,
                              const std::vector<core_v1::Node>& nodes, std::string_view hash,
                              const FailureWait& failureWait, base::WallTime now);

// status, upon the one that the set has.
json::Object decideDaemonSetStatus(const apps_v1::DaemonSet& set, const std::vector<core_v1::Pod>& pods,
                                   const std::vector<core_v1::Node>& nodes, std::string_view hash,
                                   int64_t collisionCount, base::WallTime now);

// A change of a node that may change where daemons belong; most changes of nodes don't.
bool movesDaemons(const meta::ObjectPtr& before, const meta::ObjectPtr& after);

}  // namespace wherry::controllers

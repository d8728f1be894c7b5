// The StatefulSet controller: pods with names, numbers and claims of their own, one after the other or all at once.
#pragma once

#include <cstdint>
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

std::unique_ptr<Controller> makeStatefulSetController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kPodNameLabel = "statefulset.kubernetes.io/pod-name";
inline constexpr std::string_view kPodIndexLabel = "apps.kubernetes.io/pod-index";

// "web-3" of "web" is 3; nothing when the pod is not one of the set's by its name.
std::optional<int64_t> ordinalOf(std::string_view set, std::string_view pod);

// Names of ControllerRevisions: what the set's pods came from until now, and what they shall come from.
struct StatefulRevisions {
  std::string current, update;
};

struct StatefulActions {
  enum class From { kCurrent, kUpdate };
  struct Create {
    int64_t ordinal;
    From from;
  };
  std::vector<Create> create;
  std::vector<core_v1::Pod> remove;
  std::optional<base::WallTime> again;  // when a pod will have been ready for minReadySeconds
};
// What may be done now, in order; the events of what is done bring the next step. `pods` are the set's own.
//
// OrderedReady: a pod is made when all before it are available, and ended when all that stay are and all behind it are
// gone. A pod that isn't ready and of an old template is replaced even so: else a broken template could never be
// repaired, for the first broken pod would be waited for (docs/decisions/021-broken-stateful-set.md).
StatefulActions decideStatefulSet(const apps_v1::StatefulSet& set, const std::vector<core_v1::Pod>& pods,
                                  const StatefulRevisions& revisions, base::WallTime now);

// status, upon the one that the set has. A finished rolling update makes the update revision the current one.
json::Object decideStatefulSetStatus(const apps_v1::StatefulSet& set, const std::vector<core_v1::Pod>& pods,
                                     const StatefulRevisions& revisions, int64_t collisionCount, base::WallTime now);

// The pod of this number. `podTemplate`: spec.template as the revision has it.
json::Value statefulPod(const apps_v1::StatefulSet& set, const core_v1::PodTemplateSpec& podTemplate, int64_t ordinal,
                        std::string_view revision);

// A pod's labels that say who it is, as a strategic merge patch; nothing when it has them.
std::optional<json::Value> decideIdentity(const apps_v1::StatefulSet& set, const core_v1::Pod& pod);

// The PersistentVolumeClaims of the pod of this number.
std::vector<json::Value> statefulClaims(const apps_v1::StatefulSet& set, int64_t ordinal);

// Who shall take a claim along when it is deleted (KEP-1847), as metadata.ownerReferences; nothing when the claim has
// it right. `pod`: the claim's pod, null when there is none. Owners that are neither are left alone.
std::optional<json::Value> decideClaimOwners(const apps_v1::StatefulSet& set, int64_t ordinal,
                                             const meta::Object& claim, const meta::Object* pod);

}  // namespace wherry::controllers

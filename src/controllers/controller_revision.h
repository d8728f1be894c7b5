// The history of a StatefulSet's or DaemonSet's template: one ControllerRevision for each template it had, newest with
// the highest number, in the form that `kubectl rollout undo` applies as a strategic merge patch.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "client/own_writes.h"
#include "json/value.h"
#include "views/apps_v1.h"

namespace wherry::controllers {

// The label of a pod that says which ControllerRevision it was made from: by its name (StatefulSet) or its hash alone
// (DaemonSet). The hash is a label of the revision itself, a StatefulSet's under kRevisionHash, a DaemonSet's under the
// same key as in its pods.
inline constexpr std::string_view kRevisionLabel = "controller-revision-hash";
inline constexpr std::string_view kRevisionHash = "controller.kubernetes.io/hash";

// -- pure ----------------------------------------------------------------------------------------------------------

// `data` of the ControllerRevision for a template, and the way back.
json::Value revisionData(const core_v1::PodTemplateSpec& podTemplate);
json::Value templateOf(const apps_v1::ControllerRevision& revision);

// By number, oldest first.
void sortRevisions(std::vector<apps_v1::ControllerRevision>& revisions);

// The revision that has this data, and the number it has to have as the newest one.
struct WantedRevision {
  std::optional<apps_v1::ControllerRevision> existing;
  int64_t number = 1;
};
// `revisions` are sorted.
WantedRevision decideRevision(const json::Value& data, const std::vector<apps_v1::ControllerRevision>& revisions);

// `collisionCount` makes another name when one is taken.
json::Value newRevision(const meta::Object& owner, const core_v1::PodTemplateSpec& podTemplate, int64_t number,
                        int64_t collisionCount, std::string_view hashLabel = kRevisionHash);

// The oldest ones beyond `limit` that are in nobody's use; `used` are names. `revisions` are sorted.
std::vector<apps_v1::ControllerRevision> decideRevisionCleanup(
    const std::vector<apps_v1::ControllerRevision>& revisions, const std::set<std::string, std::less<>>& used,
    int64_t limit);

// -- applied -------------------------------------------------------------------------------------------------------

// Makes or renumbers the revision of a template; puts it into `revisions` (sorted before and after) and adds to
// `collisionCount` when a name was taken. Throws StatusError.
apps_v1::ControllerRevision applyRevision(client::Client& client, const meta::Object& owner,
                                          const core_v1::PodTemplateSpec& podTemplate,
                                          std::vector<apps_v1::ControllerRevision>& revisions, int64_t& collisionCount,
                                          client::OwnWrites& writes, std::string_view hashLabel = kRevisionHash);

}  // namespace wherry::controllers

#include "kubelet/csi/csi_expansion.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;

meta::ObjectPtr object(const std::string& yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }

PersistentVolumeClaim claimOf(std::string_view status) {
  return PersistentVolumeClaim(object(fmt::format("{{metadata: {{name: c, uid: u}}, status: {{{}}}}}", status)));
}

const char* kVolume = "{metadata: {name: pv}, spec: {capacity: {storage: 2Gi}}}";

TEST(CsiExpansion, FollowsTheDeviceUntilTheFileSystemIsAsLarge) {
  const auto wanted = [](const char* status) {
    return wantedExpansion(claimOf(status), PersistentVolume(object(kVolume)));
  };
  EXPECT_EQ(wanted("capacity: {storage: 1Gi}"), 2LL << 30);
  EXPECT_EQ(wanted("capacity: {storage: 1Gi}, allocatedResourceStatuses: {storage: NodeResizePending}"), 2LL << 30);
  EXPECT_EQ(wanted("capacity: {storage: 2Gi}"), 0);
  EXPECT_EQ(wanted("phase: Pending"), 0);
  // The driver can't: its resizer has to begin again, with another size.
  EXPECT_EQ(wanted("capacity: {storage: 1Gi}, allocatedResourceStatuses: {storage: NodeResizeInfeasible}"), 0);
}

TEST(CsiExpansion, NamesTheStepWhereTheResizerDid) {
  EXPECT_FALSE(expansionBegun(claimOf("capacity: {storage: 1Gi}")));
  EXPECT_EQ(
      expansionBegun(claimOf("allocatedResourceStatuses: {storage: NodeResizePending}")),
      json::parseYaml("{metadata: {uid: u}, status: {allocatedResourceStatuses: {storage: NodeResizeInProgress}}}"));
  EXPECT_FALSE(expansionBegun(claimOf("allocatedResourceStatuses: {storage: NodeResizeInProgress}")));
}

TEST(CsiExpansion, LeavesOthersConditionsWhenItIsDone) {
  const auto claim = claimOf(
      "conditions: [{type: FileSystemResizePending}, {type: Resizing}, {type: NodeResizeError}, {type: Other}]");
  EXPECT_EQ(expansionDone(claim, 2LL << 30), json::parseYaml(R"(
metadata: {uid: u}
status: {capacity: {storage: 2Gi}, conditions: [{type: Other}], allocatedResourceStatuses: null}
)"));
}

TEST(CsiExpansion, SaysWhyItFailedAndWhetherItEverCan) {
  const base::WallTime now{};
  const auto claim = claimOf("conditions: [{type: FileSystemResizePending}, {type: NodeResizeError, message: old}]");
  const char* conditions =
      "[{type: FileSystemResizePending}, {type: NodeResizeError, status: 'True', lastProbeTime: null, "
      "lastTransitionTime: '1970-01-01T00:00:00Z', message: failed to expand pvc with no}]";
  EXPECT_EQ(expansionFailed(claim, 13, "no", now),
            json::parseYaml(fmt::format("{{metadata: {{uid: u}}, status: {{conditions: {}}}}}", conditions)));
  EXPECT_EQ(expansionFailed(claim, 11, "no", now),
            json::parseYaml(fmt::format("{{metadata: {{uid: u}}, status: {{conditions: {}, allocatedResourceStatuses: "
                                        "{{storage: NodeResizeInfeasible}}}}}}",
                                        conditions)));
  EXPECT_FALSE(expansionFailed(claim, 14, "nobody answers", now));
}

}  // namespace
}  // namespace wherry::kubelet

// The node's part in letting a driver's volume grow: its resizer has enlarged the PersistentVolume, the node lets the
// file system follow and says so in the claim. KEP-1790: the claim's allocatedResourceStatuses name each step, where a
// resizer that knows them began. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// How many bytes the volume's file system is to have, where its device has grown beyond it; 0 where it hasn't, or the
// driver can't do that.
int64_t wantedExpansion(const core_v1::PersistentVolumeClaim& claim, const core_v1::PersistentVolume& volume);

// Merge patches of the claim's status. Nothing when there is nothing to say.
std::optional<json::Value> expansionBegun(const core_v1::PersistentVolumeClaim& claim);
json::Value expansionDone(const core_v1::PersistentVolumeClaim& claim, int64_t bytes);
// `code`: the driver's, of gRPC; -1 when it wasn't asked. Nothing while it isn't known whether the driver goes on.
std::optional<json::Value> expansionFailed(const core_v1::PersistentVolumeClaim& claim, int code,
                                           std::string_view message, base::WallTime now);

}  // namespace wherry::kubelet

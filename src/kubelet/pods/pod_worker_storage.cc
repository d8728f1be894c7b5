// The part of a pod's worker that sees to its claims and to volumes of storage drivers. Drivers may take long: what
// they are asked is asked beside the workers.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/volumes/claimed_volume.h"
#include "kubelet/volumes/nfs.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {
namespace {

using core_v1::PersistentVolume;
using core_v1::Pod;

struct WantedVolume {
  std::string claim;  // "namespace/name"; "" for an inline one
  std::optional<CsiVolume> csi;
  std::optional<NfsVolume> nfs;  // one of both

  const std::string& name() const { return csi ? csi->name : nfs->name; }
};

std::string claimKey(const Pod& pod, const core_v1::Volume& volume) {
  return fmt::format("{}/{}", pod.metadata().ns(), meta::claimNameOf(*pod.object(), volume.tree()));
}

// Throws VolumeError for a claim without a volume.
PersistentVolume claimedOf(const Pod& pod, const core_v1::Volume& volume, const ObjectLookup& lookup) {
  if (!isClaim(volume)) return {};
  try {
    return claimedVolume(pod, volume, lookup);
  } catch (const std::exception& error) {
    throw VolumeError(std::string(volume.name()), error.what());
  }
}

std::vector<WantedVolume> wantedVolumes(const Pod& pod, const ObjectLookup& lookup) {
  std::vector<WantedVolume> out;
  for (auto volume : pod.spec().volumes()) {
    const PersistentVolume claimed = claimedOf(pod, volume, lookup);
    WantedVolume wanted{isClaim(volume) ? claimKey(pod, volume) : std::string(), csiVolumeOf(pod, volume, claimed),
                        nfsVolumeOf(volume, claimed)};
    if (wanted.csi || wanted.nfs) out.push_back(std::move(wanted));
  }
  return out;
}

bool isForOnePod(const PersistentVolume& volume) {
  auto modes = volume.spec().accessModes();
  return modes.size() == 1 && modes[0] == "ReadWriteOncePod";
}

void setUpAll(PodWorkersOptions& options, const Pod& pod, const std::vector<WantedVolume>& volumes,
              const std::stop_token& stop) {
  auto token = [&](std::string_view audience, int64_t seconds) {
    return requestDriverToken(options.client, pod, audience, seconds);
  };
  const std::string uid(pod.metadata().uid());
  for (const WantedVolume& wanted : volumes) {
    try {
      if (wanted.csi) options.storage.setUp(pod, *wanted.csi, wanted.claim, token, stop);
      if (wanted.nfs) mountNfs(*wanted.nfs, options.storage.paths().nfsTarget(uid, wanted.nfs->name), stop);
    } catch (const AwaitsAttachment&) {
      throw;
    } catch (const std::exception& error) {
      throw VolumeError(wanted.name(), error.what());
    }
  }
}

PodNews setUpNow(PodWorkersOptions& options, const Pod& pod, const std::vector<WantedVolume>& volumes,
                 const std::stop_token& stop) {
  try {
    setUpAll(options, pod, volumes, stop);
    return [](PodState& state) {
      state.storageBusy = false;
      state.storageMounted = true;
    };
  } catch (const AwaitsAttachment&) {
    return [](PodState& state) { state.storageBusy = false; };
  } catch (const VolumeError& error) {
    std::string message = mountFailed(error);
    if (!stop.stop_requested()) {  // a stop of ours cut it short
      options.events.record(*pod.object(), client::Severity::kWarning, "FailedMount", message);
    }
    return [message, now = options.clock.now()](PodState& state) {
      state.storageBusy = false;
      state.prepareFailure = Failure::next(state.prepareFailure, "FailedMount", message, now);
    };
  }
}

void expandNow(PodWorkersOptions& options, const Pod& pod, const CsiVolume& volume,
               const core_v1::PersistentVolumeClaim& claim, int64_t bytes, const std::stop_token& stop) {
  const auto say = [&](client::Severity severity, const char* reason, const std::string& message) {
    options.events.record(*pod.object(), severity, reason, message);
  };
  try {
    options.storage.expand(pod, volume, bytes, stop);
    options.client.patch(core_v1::PersistentVolumeClaim::kResource(), claim.metadata().ns(), claim.metadata().name(),
                         client::PatchType::kMerge, expandedStatus(claim, bytes), {.subresource = "status"});
    say(client::Severity::kNormal, "FileSystemResizeSuccessful",
        fmt::format("MountVolume.NodeExpandVolume succeeded for volume \"{}\"", volume.name));
  } catch (const std::exception& error) {
    say(client::Severity::kWarning, "VolumeResizeFailed",
        fmt::format("MountVolume.NodeExpandVolume failed for volume \"{}\" : {}", volume.name, error.what()));
  }
}

}  // namespace

void PodWorker::takeClaims() {
  for (auto volume : pod_.spec().volumes()) {
    if (!isClaim(volume)) continue;
    const PersistentVolume claimed = claimedOf(pod_, volume, options_.lookup);
    const auto sharing = isForOnePod(claimed) ? ClaimHolders::Sharing::kNone : ClaimHolders::Sharing::kAny;
    if (parts_.holders.take(claimKey(pod_, volume), uid_, sharing)) continue;
    throw VolumeError(std::string(claimed.metadata().name()),
                      "volume uses the ReadWriteOncePod access mode and is already in use by another pod");
  }
}

bool PodWorker::mountStorage() {
  if (state_->storageMounted) return true;
  if (state_->storageBusy) return false;
  const auto volumes = wantedVolumes(pod_, options_.lookup);
  for (const WantedVolume& wanted : volumes) {
    if (wanted.csi) options_.storage.checkAttached(*wanted.csi);
  }
  if (volumes.empty()) return state_->storageMounted = true;
  state_->storageBusy = true;
  parts_.background.run([volumes, pod = pod_, uid = uid_, &options = options_, &queue = parts_.queue,
                         inbox = state_->inbox](const std::stop_token& stop) {
    PodNews news = setUpNow(options, pod, volumes, stop);
    inbox->with([&](auto& waiting) { waiting.push_back(std::move(news)); });
    queue.add(uid);
  });
  return false;
}

bool PodWorker::unmountStorage() {
  if (state_->storageBusy) return false;
  unmountNfs(options_.storage.paths().nfsVolumes(uid_));
  if (!options_.storage.holds(uid_)) return true;
  state_->storageBusy = true;
  const auto delay = client::retryDelay(std::min(8 + state_->unmountFailures, 14u));  // from a second to two minutes
  parts_.background.run([uid = uid_, delay, &options = options_, &queue = parts_.queue,
                         inbox = state_->inbox](const std::stop_token& stop) {
    std::string failure;
    try {
      options.storage.tearDown(uid, stop);
    } catch (const std::exception& error) {
      failure = error.what();
      base::Log("kubelet").warn("pod {} waits for its storage to be taken back: {}", uid, failure);
    }
    inbox->with([&](auto& waiting) {
      waiting.push_back([failed = !failure.empty()](PodState& state) {
        state.storageBusy = state.storageMounted = false;
        state.unmountFailures = failed ? state.unmountFailures + 1 : 0;
      });
    });
    if (failure.empty()) return queue.add(uid);
    queue.addAfter(uid, delay);
  });
  return false;
}

void PodWorker::expandStorage() {
  if (state_->expanding) return;
  for (auto volume : pod_.spec().volumes()) {
    if (!isClaim(volume)) continue;
    const PersistentVolume claimed = claimedOf(pod_, volume, options_.lookup);
    const auto csi = csiVolumeOf(pod_, volume, claimed);
    const core_v1::PersistentVolumeClaim claim(
        options_.lookup.persistentVolumeClaim(pod_.metadata().ns(), meta::claimNameOf(*pod_.object(), volume.tree())));
    const int64_t bytes = csi ? wantedExpansion(claim, claimed) : 0;
    if (bytes == 0) continue;
    state_->expanding = true;
    parts_.background.run([csi, claim, bytes, pod = pod_, uid = uid_, &options = options_, &queue = parts_.queue,
                           inbox = state_->inbox](const std::stop_token& stop) {
      expandNow(options, pod, *csi, claim, bytes, stop);
      inbox->with([](auto& waiting) { waiting.push_back([](PodState& state) { state.expanding = false; }); });
      queue.add(uid);
    });
    return;
  }
}

void PodWorker::dropClaims() {
  for (const std::string& waiting : parts_.holders.drop(uid_)) parts_.retry(waiting);
}

}  // namespace wherry::kubelet

// The part of a pod's worker that sees to its claims and to volumes of storage drivers. Drivers may take long: what
// they are asked is asked beside the workers.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "kubelet/csi/csi_client.h"
#include "kubelet/csi/csi_expansion.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/volumes/claimed_volume.h"
#include "kubelet/volumes/image_volume.h"
#include "kubelet/volumes/nfs.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {
namespace {

using core_v1::PersistentVolume;
using core_v1::Pod;

struct ImageVolume {
  std::string name;
  std::string reference;
  PullPolicy policy;
};

struct WantedVolume {
  std::string claim;  // "namespace/name"; "" for an inline one
  std::optional<CsiVolume> csi;
  std::optional<NfsVolume> nfs;
  std::optional<ImageVolume> image;  // one of the three

  const std::string& name() const { return csi ? csi->name : nfs ? nfs->name : image->name; }
};

std::optional<ImageVolume> imageVolumeOf(const core_v1::Volume& volume) {
  if (!volume.hasImage()) return std::nullopt;
  const auto source = volume.image();
  return ImageVolume{std::string(volume.name()), std::string(source.reference()),
                     parsePullPolicy(source.pullPolicy(), source.reference())};
}

// What is mounted already is not asked for again: a registry that is out of reach now is nothing to a pod that runs.
void mountImageVolume(PodWorkersOptions& options, const Pod& pod, const ImageVolume& volume) {
  const std::string target = options.containers.pathsOf(std::string(pod.metadata().uid())).volume(volume.name);
  if (isImageMounted(target)) return;
  const auto pulled = options.puller.pull(volume.reference, volume.policy, pullLogins(pod, options.lookup));
  mountImage(options.images.lowerDirectories(pulled.image), target);
}

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
                        nfsVolumeOf(volume, claimed), imageVolumeOf(volume)};
    if (wanted.csi || wanted.nfs || wanted.image) out.push_back(std::move(wanted));
  }
  return out;
}

bool isForOnePod(const PersistentVolume& volume) {
  auto modes = volume.spec().accessModes();
  return modes.size() == 1 && modes[0] == "ReadWriteOncePod";
}

// How often upstream's kubelet looks at a pod, and repeats NodePublishVolume.
constexpr std::chrono::minutes kRepublish{1};

// Those whose drivers want to hear of them again.
std::vector<WantedVolume> republished(PodWorkersOptions& options, std::vector<WantedVolume> volumes) {
  std::erase_if(volumes, [&](const WantedVolume& wanted) {
    return !wanted.csi || !options.storage.requiresRepublish(*wanted.csi);
  });
  return volumes;
}

// What fails leaves the volume as it was.
void republishAll(PodWorkersOptions& options, const Pod& pod, const std::vector<WantedVolume>& volumes,
                  const std::stop_token& stop) {
  auto token = [&](std::string_view audience, int64_t seconds) {
    return requestDriverToken(options.client, pod, audience, seconds);
  };
  for (const WantedVolume& wanted : volumes) {
    try {
      options.storage.republish(pod, *wanted.csi, token, stop);
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      options.events.record(*pod.object(), client::Severity::kWarning, "FailedMount",
                            mountFailed(VolumeError(wanted.name(), error.what())));
    }
  }
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
      if (wanted.image) mountImageVolume(options, pod, *wanted.image);
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
    const bool again = !republished(options, volumes).empty();
    return [again, next = options.clock.now() + kRepublish](PodState& state) {
      state.storageBusy = false;
      state.storageMounted = true;
      if (again) state.republishAt = next;
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

struct Expansion {
  Pod pod;
  CsiVolume volume;
  core_v1::PersistentVolumeClaim claim;
  int64_t bytes = 0;
};

void patchClaim(PodWorkersOptions& options, Expansion& expansion, const json::Value& patch) {
  const auto metadata = expansion.claim.metadata();
  expansion.claim = core_v1::PersistentVolumeClaim(
      options.client.patch(core_v1::PersistentVolumeClaim::kResource(), metadata.ns(), metadata.name(),
                           client::PatchType::kMerge, patch, {.subresource = "status"}));
}

// To the pod and to the claim, as upstream.
void sayOfExpansion(PodWorkersOptions& options, const Expansion& expansion, client::Severity severity,
                    const char* reason, const std::string& message) {
  options.events.record(*expansion.pod.object(), severity, reason, message);
  options.events.record(*expansion.claim.object(), severity, reason, message);
}

// The failure's text, "" for none. In the claim it is said by one write, which brings nobody to try again before it is
// time.
std::string expandNow(PodWorkersOptions& options, Expansion expansion, const std::stop_token& stop) {
  int code = -1;
  std::string failure;
  try {
    if (auto begun = expansionBegun(expansion.claim)) patchClaim(options, expansion, *begun);
    options.storage.expand(expansion.pod, expansion.volume, expansion.bytes, stop);
    patchClaim(options, expansion, expansionDone(expansion.claim, expansion.bytes));
    sayOfExpansion(options, expansion, client::Severity::kNormal, "FileSystemResizeSuccessful",
                   fmt::format("MountVolume.NodeExpandVolume succeeded for volume \"{}\"", expansion.volume.name));
    return {};
  } catch (const CsiError& error) {
    code = error.code;
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (stop.stop_requested()) return failure;  // cut short by a stop of ours
  sayOfExpansion(
      options, expansion, client::Severity::kWarning, "VolumeResizeFailed",
      fmt::format("MountVolume.NodeExpandVolume failed for volume \"{}\" : {}", expansion.volume.name, failure));
  auto patch = expansionFailed(expansion.claim, code, failure, options.clock.now());
  if (patch) patchClaim(options, expansion, *patch);
  return failure;
}

std::optional<Expansion> findExpansion(const Pod& pod, const ObjectLookup& lookup) {
  for (auto volume : pod.spec().volumes()) {
    if (!isClaim(volume)) continue;
    const PersistentVolume claimed = claimedOf(pod, volume, lookup);
    const auto csi = csiVolumeOf(pod, volume, claimed);
    if (!csi) continue;
    const core_v1::PersistentVolumeClaim claim(
        lookup.persistentVolumeClaim(pod.metadata().ns(), meta::claimNameOf(*pod.object(), volume.tree())));
    const int64_t bytes = wantedExpansion(claim, claimed);
    if (bytes > 0) return Expansion{pod, *csi, claim, bytes};
  }
  return std::nullopt;
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

void PodWorker::republishStorage() {
  const bool due = state_->republishAt && options_.clock.now() >= *state_->republishAt;
  if (!due || state_->storageBusy) return;  // whoever is busy brings us back
  state_->republishAt.reset();
  if (!state_->storageMounted || pod_.metadata().deleting()) return;
  std::vector<WantedVolume> volumes;
  try {
    volumes = republished(options_, wantedVolumes(pod_, options_.lookup));
  } catch (const VolumeError&) {
    return;  // a claim is gone; what that means for the pod is said elsewhere
  }
  if (volumes.empty()) return;
  state_->storageBusy = true;
  parts_.background.run([volumes, pod = pod_, uid = uid_, &options = options_, &queue = parts_.queue,
                         inbox = state_->inbox](const std::stop_token& stop) {
    republishAll(options, pod, volumes, stop);
    inbox->with([&](auto& waiting) {
      waiting.push_back([next = options.clock.now() + kRepublish](PodState& state) {
        state.storageBusy = false;
        state.republishAt = next;
      });
    });
    queue.add(uid);
  });
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
  const auto now = options_.clock.now();
  if (state_->expanding || (state_->expandFailure && now < state_->expandFailure->retryAt())) return;
  const auto expansion = findExpansion(pod_, options_.lookup);
  if (!expansion) return state_->expandFailure.reset();
  state_->expanding = true;
  parts_.background.run([expansion, before = state_->expandFailure, uid = uid_, &options = options_,
                         &queue = parts_.queue, inbox = state_->inbox](const std::stop_token& stop) {
    std::string message = expandNow(options, *expansion, stop);
    std::optional<Failure> failure;
    if (!message.empty()) {
      failure = Failure::next(before, "VolumeResizeFailed", std::move(message), options.clock.now());
    }
    inbox->with([&](auto& waiting) {
      waiting.push_back([failure](PodState& state) {
        state.expanding = false;
        state.expandFailure = failure;
      });
    });
    queue.add(uid);
  });
}

std::optional<base::WallTime> PodWorker::storageDeadline() const {
  std::optional<base::WallTime> out;
  if (state_->expandFailure && !state_->expanding) out = state_->expandFailure->retryAt();
  if (state_->republishAt && !state_->storageBusy)
    out = std::min(out.value_or(*state_->republishAt), *state_->republishAt);
  return out;
}

void PodWorker::retryExpansion() {
  if (!state_->expandFailure || options_.clock.now() < state_->expandFailure->retryAt()) return;
  try {
    expandStorage();
  } catch (const VolumeError&) {
    state_->expandFailure.reset();  // its claim is gone; what that means for the pod is said elsewhere
  }
}

void PodWorker::dropClaims() {
  for (const std::string& waiting : parts_.holders.drop(uid_)) parts_.retry(waiting);
}

}  // namespace wherry::kubelet

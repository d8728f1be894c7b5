// Volumes of storage drivers on this node: staged once for the node, published for each pod, and taken back. What is on
// disk (vol_data.json of each pod's volume, and of each that is staged) says what there is to take back, after a kill
// -9 as well. All calls block as long as a driver takes; safe from any thread, also for pods that share a volume.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "kubelet/csi/csi_drivers.h"
#include "kubelet/pods/pod_facts.h"

namespace wherry::kubelet {

// A volume whose attachment is awaited: nothing is wrong, its VolumeAttachment's change brings the pod back.
struct AwaitsAttachment : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class CsiVolumes {
 public:
  // Asks for a token of the pod's account, as {token, expirationTimestamp}.
  using TokenRequest = std::function<json::Object(std::string_view audience, int64_t seconds)>;

  // `showInUse`: given the attached volumes that the node has mounted, as Node.status.volumesInUse names them, before
  // the first step of mounting one and after the last of taking it back.
  CsiVolumes(const CsiDrivers& drivers, CsiPaths paths, std::string node, ObjectLookup lookup,
             std::function<void(const std::set<std::string>&)> showInUse);
  ~CsiVolumes();

  // Throws AwaitsAttachment, or std::runtime_error in upstream's words.
  void setUp(const core_v1::Pod& pod, const CsiVolume& volume, const std::string& claim,
             const TokenRequest& requestToken, const std::stop_token& stop);
  // Whether the volume's attachment, if it needs one, stands. Throws AwaitsAttachment when it doesn't. Never asks the
  // driver.
  void checkAttached(const CsiVolume& volume) const;

  // Whether the driver wants NodePublishVolume to be repeated while a pod has the volume (CSIDriver.requiresRepublish);
  // and that repetition, for a volume that is set up. Throws std::runtime_error.
  bool requiresRepublish(const CsiVolume& volume) const;
  void republish(const core_v1::Pod& pod, const CsiVolume& volume, const TokenRequest& requestToken,
                 const std::stop_token& stop);

  // Whether anything of the pod is to be taken back.
  bool holds(const std::string& uid) const;
  // Takes back all of a pod's volumes, and unstages those that no other pod has. Throws std::runtime_error for the
  // first that can't be; the others are taken back nevertheless.
  void tearDown(const std::string& uid, const std::stop_token& stop);
  // Unstages what a crash left of this driver's staged for nobody.
  void tearDownLeftovers(const std::string& driver, const std::stop_token& stop);

  // NodeExpandVolume for a volume that the pod has; the size it has now, 0 when its driver doesn't do that.
  int64_t expand(const core_v1::Pod& pod, const CsiVolume& volume, int64_t bytes, const std::stop_token& stop);

  // NodeGetVolumeStats for a volume that the pod has, ten seconds at most; nothing when its driver doesn't do that.
  std::optional<CsiVolumeStats> stats(const core_v1::Pod& pod, const CsiVolume& volume,
                                      const std::stop_token& stop) const;

  const CsiPaths& paths() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Removes all of it that is this node's, with nobody to ask: what `wherry reset` does. What drivers keep stays theirs.
void removeCsiLeftovers(const CsiPaths& paths);

}  // namespace wherry::kubelet

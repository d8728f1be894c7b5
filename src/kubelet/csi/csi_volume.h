// A volume of a storage driver as a pod uses it: what of it stands in which object, where it is on the node, and what
// its driver is asked. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "kubelet/csi/csi_messages.h"
#include "views/core_v1.h"
#include "views/storage_v1.h"

namespace wherry::kubelet {

struct SecretKey {
  std::string ns, name;  // no name: none
};

struct CsiVolume {
  std::string podVolume;  // its name in the pod
  std::string name;       // of the PersistentVolume, or the same when it is inline
  std::string driver;
  std::string handle;
  bool inlined = false;  // made for this pod, by NodePublishVolume alone
  bool block = false;
  bool readOnly = false;
  std::string fsType;
  std::vector<std::string> mountOptions;
  std::string accessMode;  // "ReadWriteOnce", the first of the volume's
  CsiMap attributes;
  SecretKey stageSecret, publishSecret, expandSecret;
};

// Nothing when the volume is no driver's. `claimed`: the PersistentVolume behind the pod's claim, empty for other
// volumes.
std::optional<CsiVolume> csiVolumeOf(const core_v1::Pod& pod, const core_v1::Volume& volume,
                                     const core_v1::PersistentVolume& claimed);

// Where everything lies, as upstream's kubelet has it: drivers run in pods that mount these directories.
struct CsiPaths {
  std::string root = "/var/lib/kubelet";

  std::string registry() const { return root + "/plugins_registry"; }
  std::string podVolumes(std::string_view uid) const;  // below it a directory for each of a pod's volumes
  std::string volume(std::string_view uid, std::string_view name) const;
  std::string target(std::string_view uid, std::string_view name) const { return volume(uid, name) + "/mount"; }
  // Of a volume of mode Block a driver shows a device; at the first path for a pod, below the second for the node.
  std::string blockTarget(std::string_view uid, std::string_view name) const;
  std::string blockStaging(std::string_view name) const;
  std::string nfsVolumes(std::string_view uid) const;
  std::string nfsTarget(std::string_view uid, std::string_view name) const;
  std::string staged(const std::string& driver, const std::string& handle) const;
  std::string staging(const std::string& driver, const std::string& handle) const {
    return staged(driver, handle) + "/globalmount";
  }
};

// vol_data.json beside the target, from which a restarted kubelet knows what to take back.
struct CsiRecord {
  std::string name, driver, handle;
  bool inlined = false;
  bool staged = false;
  bool block = false;
  std::string attachment;  // name of the VolumeAttachment, "" for none
  std::string claim;       // "namespace/name", "" for none
};
json::Value renderCsiRecord(const CsiRecord& record, std::string_view node);
std::optional<CsiRecord> parseCsiRecord(std::string_view text);

// Why a driver may not be used for such a volume, as its CSIDriver object says (which may be missing); nothing when it
// may.
std::optional<std::string> findLifecycleViolation(const CsiVolume& volume, const storage_v1::CSIDriver& driver);
bool needsAttachment(const CsiVolume& volume, const storage_v1::CSIDriver& driver);

struct MountFacts {
  std::set<CsiNodeAbility> abilities;
  CsiMap publishContext;  // of the attachment
  CsiMap stageSecrets, publishSecrets;
  std::string tokens;  // JSON by audience, "" for none
  std::string stagingPath, targetPath;
};
CsiMountRequest stageRequest(const CsiVolume& volume, const core_v1::Pod& pod, const storage_v1::CSIDriver& driver,
                             const MountFacts& facts);
CsiMountRequest publishRequest(const CsiVolume& volume, const core_v1::Pod& pod, const storage_v1::CSIDriver& driver,
                               const MountFacts& facts);

// Whether the kubelet itself gives the files to the pod's fsGroup (CSIDriver.spec.fsGroupPolicy).
bool changesGroup(const CsiVolume& volume, const core_v1::Pod& pod, const storage_v1::CSIDriver& driver,
                  const std::set<CsiNodeAbility>& abilities);

}  // namespace wherry::kubelet

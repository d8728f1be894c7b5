#include "scheduler/plugins/volume_restrictions.h"

namespace wherry::scheduler {

Reasons filterVolumeRestrictions(const PodInfo& pod, const NodeInfo&) {
  if (!pod.volumes.taken) return {};
  return {"node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"};
}

}  // namespace wherry::scheduler

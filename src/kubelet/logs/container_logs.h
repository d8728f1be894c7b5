// ContainerLogs: what becomes of a container's log as the container goes through its life: it is rotated while the
// container runs, and seen by log collectors where they look for it: LOG-DIR/pods/<ns>_<pod>_<uid>/<container>/N.log is
// the file itself, LOG-DIR/containers/<pod>_<ns>_<container>-<id>.log a link to it, as upstream has them.
// Safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kubelet/logs/log_rotation.h"
#include "kubelet/runtime/container_record.h"

namespace wherry::kubelet {

// The link's name; nothing for a log whose path is not made of a pod's and a container's name. Pure.
std::optional<std::string> containerLinkName(const ContainerRecord& record);

class ContainerLogs {
 public:
  // `owner`, the data directory, marks pods' log directories as ours (an extended attribute): others may have theirs
  // beside them.
  ContainerLogs(std::string logDir, std::string owner, LogLimits limits = {},
                const base::Clock& clock = base::Clock::system());

  void started(const ContainerRecord& record, const std::string& bundle);
  void ended(const ContainerRecord& record);
  void removed(const ContainerRecord& record);  // deletes files and link

 private:
  std::string containers_;
  std::string owner_;
  LogRotation rotation_;
};

// All logs of a pod, by its uid.
void removePodLogs(const std::string& logDir, std::string_view uid);
// Those of all pods below this data directory, also of pods that it tells nothing of any more, and what is empty then
// (`wherry reset`).
void removeAllPodLogs(const std::string& dataDir, const std::string& logDir);

}  // namespace wherry::kubelet

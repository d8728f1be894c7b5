// Renders a container's OCI runtime configuration (config.json, runtime-spec v1.0). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "kubelet/images/image.h"
#include "kubelet/runtime/capabilities.h"
#include "kubelet/runtime/process_user.h"
#include "linux/cgroups.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct ContainerMount {
  std::string target;  // inside the container
  std::string source;  // on the node
  linux::Access access = linux::Access::kReadWrite;
  std::string propagation = "rprivate";  // "rslave", "rshared"
  bool submountsToo = false;             // what is mounted below is read-only as well
};

// A device of the node that is a volume (mode Block).
struct BlockDevice {
  std::string path;  // inside the container
  unsigned major = 0, minor = 0;
  linux::Access access = linux::Access::kReadWrite;
};

struct SpecInput {
  core_v1::Pod pod;
  core_v1::Container container;
  ImageConfig image;
  ProcessUser user;
  std::vector<std::string> env;        // all of it, resolved: "NAME=value"
  std::vector<std::string> arguments;  // all of it, expanded
  std::vector<ContainerMount> mounts;  // volumes, /etc/hosts and the like, in order
  linux::SharedNamespaces namespaces;  // files; "" shares the node's
  std::string pidNamespace;            // a file; "" gives the container its own, or the node's under hostPID
  std::string rootfs;
  std::string cgroupsPath;      // "/wherry/pod<uid>/<container>"
  CapabilityMask bounding = 0;  // what may be given at all
  int64_t memoryCapacity = 0;   // of the node, bytes
  linux::CgroupVersion cgroupVersion = linux::CgroupVersion::kV1;
  json::Array devices;  // what a privileged container sees in /dev beside the usual ones
  std::vector<BlockDevice> blockDevices{};
  std::optional<json::Object> seccompProfile{};  // of type Localhost, its content
};

json::Value renderSpec(const SpecInput& input);

// The file that a profile of type Localhost names, below the node's directory of profiles; "" for the other types. The
// container's word comes before the pod's.
std::string seccompProfileOf(const core_v1::Pod& pod, const core_v1::Container& container);

// Why the container may not run, in the words of Kubernetes: it must not be root (runAsNonRoot), and it is or may be.
std::optional<std::string> findRootViolation(const core_v1::Pod& pod, const core_v1::Container& container,
                                             const ImageConfig& image);

// The process's user and groups: what the image says, then what the pod's and the container's security contexts say.
ProcessUser containerUser(const core_v1::Pod& pod, const core_v1::Container& container, const ImageConfig& image,
                          const UserDatabase& database);

}  // namespace wherry::kubelet

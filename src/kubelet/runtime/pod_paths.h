// Where everything of a pod lies on disk. Pure; all of it begins with the pod's uid, so that what a crash left can be
// told apart and removed.
#pragma once

#include <string>
#include <string_view>

#include "linux/namespaces.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct PodPaths {
  std::string root;        // <dataDir>/pods/<uid>
  std::string namespaces;  // <runDir>/ns/<uid>
  std::string cgroup;      // /wherry/pod<uid>

  static PodPaths of(const std::string& dataDir, const std::string& runDir, std::string_view uid);

  std::string sandboxRecord() const { return root + "/sandbox.json"; }
  std::string hosts() const { return root + "/etc/hosts"; }
  std::string hostname() const { return root + "/etc/hostname"; }
  std::string resolvConf() const { return root + "/etc/resolv.conf"; }
  std::string shm() const { return root + "/shm"; }
  std::string volumes() const { return root + "/volumes"; }
  std::string volume(std::string_view name) const { return volumes() + "/" + std::string(name); }
  std::string containers() const { return root + "/containers"; }
  std::string container(std::string_view name, int attempt) const;
  std::string containerCgroup(std::string_view name, int attempt) const;
  linux::SharedNamespaces namespaceFiles() const;
};

// <logDir>/pods/<namespace>_<name>_<uid>
std::string podLogDirectory(const std::string& logDir, std::string_view ns, std::string_view name,
                            std::string_view uid);

}  // namespace wherry::kubelet

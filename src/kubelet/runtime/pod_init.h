// The process id namespace that the containers of a pod share under shareProcessNamespace. It lives as long as its
// first process, `init/pod_init.c`, which reaps what the containers leave: a container of its own, without files,
// capabilities or a user, so that nothing is to be had from the other containers' looking at it. It needs no image and
// outlives this process, as containers do. Safe from any thread for different pods.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "kubelet/runtime/crun.h"
#include "kubelet/runtime/pod_paths.h"

namespace wherry::kubelet {

// REQUIRES: the pod's other namespaces stand. Throws RuntimeError or std::system_error.
void startPodInit(const Crun& crun, const std::string& dataDir, std::string_view uid, const PodPaths& paths,
                  const linux::SharedNamespaces& namespaces);

// The namespace, held open; nothing when its first process is gone, and with it every other.
base::Fd openPodProcesses(const Crun& crun, const PodPaths& paths);

// Fine when there is none.
void endPodInit(const Crun& crun, std::string_view uid, const PodPaths& paths);

}  // namespace wherry::kubelet

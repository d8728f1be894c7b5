// What the kubelet remembers of a pod between two looks at it. All of it may be lost: after a restart it is found again
// or made again. Belongs to the pod's worker; only `inbox` may be touched by others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "kubelet/images/image_puller.h"
#include "kubelet/pods/observation.h"
#include "kubelet/pods/pod_tokens.h"
#include "kubelet/runtime/sandbox.h"
#include "meta/object.h"

namespace wherry::kubelet {

struct PodState;
// What a background task found out, applied by the worker at its next look.
using PodNews = std::function<void(PodState&)>;

// The part that only the worker sees.
struct PodMemory {
  meta::ObjectPtr pod;  // the newest that is known: from the informer, or as our last write left it
  std::optional<SandboxRecord> sandbox;
  bool looked = false;  // for a sandbox on disk
  bool prepared = false;
  bool judged = false;  // by the NetworkPolicies, with the address of this sandbox
  std::optional<Failure> prepareFailure;
  bool volumesStale = false;  // an object that they show has changed
  size_t shownOfPod = 0;      // what they show of the pod itself: downwardDigest()
  std::optional<Failure> refreshFailure;
  std::optional<PodEnd> end;                   // once it is in the status, that says it
  std::map<std::string, Failure> failures;     // by container name
  std::map<std::string, Image> images;         // found for the next start, by container name
  std::set<std::string> pulling;               // container names
  std::map<std::string, Stopping> stopping;    // by container id
  std::map<std::string, PostStart> postStart;  // by container id
  std::set<std::string> backOffNoted;          // container ids
  std::set<std::string> watched;               // container ids: their end is told
  std::set<std::string> probed;                // container ids
  PodTokens tokens;
  bool storageBusy = false;     // a driver is asked for its volumes, or to take them back
  bool storageMounted = false;  // it has given them
  unsigned unmountFailures = 0;
  bool expanding = false;  // a driver is asked to let a file system grow
  std::optional<Failure> expandFailure;
  std::optional<base::WallTime> republishAt;  // a driver wants that (CSIDriver.requiresRepublish)
};

struct PodState : PodMemory {
  const std::shared_ptr<base::Guarded<std::vector<PodNews>>> inbox =
      std::make_shared<base::Guarded<std::vector<PodNews>>>();

  void readInbox() {
    auto news = inbox->with([](auto& waiting) { return std::exchange(waiting, {}); });
    for (PodNews& item : news) item(*this);
  }

  // As if the pod had never been here; it stays the same pod.
  void forget() {
    meta::ObjectPtr same = pod;
    static_cast<PodMemory&>(*this) = PodMemory{};
    pod = same;
  }
};

}  // namespace wherry::kubelet

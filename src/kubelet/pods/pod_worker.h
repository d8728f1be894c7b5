// One look at one pod: what is observed goes into decide(), and what it answers is done.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/workqueue.h"
#include "kubelet/pods/background.h"
#include "kubelet/pods/decide.h"
#include "kubelet/pods/pod_state.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/volumes/claim_holders.h"
#include "kubelet/volumes/volumes.h"

namespace wherry::kubelet {

// What the workers of all pods share; outlives them.
struct PodWorkerParts {
  PodWorkersOptions& options;
  client::Workqueue& queue;
  Prober& prober;
  Launcher& launcher;
  BackgroundTasks& background;
  ClaimHolders& holders;
  std::function<void(const std::string& uid)> retry;  // what it waited for is there
};

class PodWorker {
 public:
  // `state` belongs to this pod and to nobody else meanwhile.
  PodWorker(PodWorkerParts& parts, const std::string& uid, std::shared_ptr<PodState> state)
      : parts_(parts), options_(parts.options), uid_(uid), state_(std::move(state)), pod_(state_->pod) {}

  // REQUIRES: the pod is there.
  void reconcile();
  // For a pod that the API has no more: ends and clears all of it at once. False while its storage is being taken
  // back; the pod is looked at again then.
  bool removeEverything();

 private:
  enum class Progress { kNone, kMade };  // kMade: look again
  Observation observe();
  Progress apply(const Action& action);
  Progress on(const Prepare&);
  Progress on(const RefreshVolumes&);
  Progress on(const StartContainer& action);
  Progress on(const StopContainer& action);
  Progress on(const HurryContainer& action);
  Progress on(const SignalContainer& action);
  Progress on(const KillContainer& action);
  Progress on(const ForgetContainer& action);
  Progress on(const NoteBackOff& action);
  Progress on(const ReleaseSandbox&);
  Progress on(const DeletePod&);

  void setUpSandbox();
  void writeSandboxFiles();
  void takeClaims();
  void dropClaims();
  bool mountStorage();                                    // true once volumes of drivers stand
  bool unmountStorage();                                  // true once none is left
  void expandStorage();                                   // those that have grown beneath their file systems
  std::optional<base::WallTime> storageDeadline() const;  // of the two below
  void retryExpansion();                                  // when it is time again
  void republishStorage();                                // likewise
  VolumeSources volumeSources();
  void volumesShowNow();
  IssuedToken requestToken(const core_v1::ServiceAccountTokenProjection& wanted);
  std::optional<Image> findImage(const core_v1::Container& container, const StartContainer& action);
  void pullInBackground(const core_v1::Container& container, ContainerKind kind);
  void startFailed(const std::string& container, std::string reason, std::string message);
  void watchMonitor(const ContainerRecord& record);
  enum class Launched { kNow, kBefore };  // by an earlier process of ours
  bool awaitJudgement();
  void startProbes(const ContainerRecord& record, Launched launched);
  void runPostStart(const core_v1::Container& container, const ContainerRecord& record);
  ProbeTarget probeTarget(const core_v1::Container& container, const ContainerRecord& record) const;
  void stopInBackground(const ContainerRecord& record, std::chrono::seconds grace);
  void writeStatus(const Observation& seen);
  void noteRejection() const;
  void admit();

  bool isStatic() const { return options_.statics && options_.statics->owns(uid_); }
  // What the API knows the pod by; "" when it does not know it at the moment.
  std::string apiUid() const { return isStatic() ? options_.statics->mirrorUidOf(uid_) : uid_; }
  std::optional<ContainerRecord> findRecord(const std::string& id) const;
  PodFacts facts() const;
  void recordEvent(client::Severity severity, std::string_view reason, std::string message,
                   std::string_view fieldPath = {}) const;

  PodWorkerParts& parts_;
  PodWorkersOptions& options_;
  std::string uid_;
  std::shared_ptr<PodState> state_;
  core_v1::Pod pod_;
  bool deleted_ = false;
};

// A token of the pod's account for somebody else, as TokenRequest's status has it. Throws StatusError.
json::Object requestDriverToken(client::Client& client, const core_v1::Pod& pod, std::string_view audience,
                                int64_t seconds);

// What the pod's imagePullSecrets say, by registry; those that are missing are left out.
json::Object pullLogins(const core_v1::Pod& pod, const ObjectLookup& lookup);

// The event's text: `MountVolume.SetUp failed for volume "x" : ...`.
std::string mountFailed(const VolumeError& error);

}  // namespace wherry::kubelet

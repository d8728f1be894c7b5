// A pod as its node sees it at one instant: everything that decide() and the status are made of. Values only.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "kubelet/pods/pod_containers.h"
#include "kubelet/runtime/container_record.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// An attempt that failed and will be repeated.
struct Failure {
  std::string reason;  // "ErrImagePull", "CreateContainerError", ...
  std::string message;
  base::WallTime since;
  std::chrono::seconds delay{10};  // until the next attempt

  base::WallTime retryAt() const { return since + delay; }
  // The same again: the delay doubles, up to five minutes.
  static Failure next(const std::optional<Failure>& before, std::string reason, std::string message,
                      base::WallTime now);
};

// Reasons that a failed pull has; while it waits for the next the reason shown is ImagePullBackOff.
inline bool isFailedPull(std::string_view reason) {
  return reason == "ErrImagePull" || reason == "RegistryUnavailable";
}

// The node gives up a pod: it is Failed from now on, whatever its containers say.
struct PodEnd {
  std::string reason;                         // of its status: "Evicted", "Terminated", "NodeShutdown"
  std::string message;                        // likewise
  std::optional<std::chrono::seconds> grace;  // instead of its own
  std::optional<base::WallTime> until;        // when that is over, also for what has begun to end before
  enum class Kind { kDisrupted, kRefused } kind = Kind::kDisrupted;  // a condition DisruptionTarget says so (KEP-3329)
};

// A container that is to end: first its preStop hook, then its stop signal, at last SIGKILL.
struct Stopping {
  base::WallTime killAt;
  bool ready = false;            // for its signal: the hook is over, nobody is sent to the pod any more
  bool signalled = false;        // has its signal
  bool killed = false;           // SIGKILL has been sent
  std::chrono::seconds grace{};  // that it was given; killAt is some time later where it was drained first
};
// However little is left of the grace period, there is so much time between the two signals.
inline constexpr std::chrono::seconds kLastCall{2};

// A container's postStart hook. While it runs, the container counts as not started; nothing is kept of one that went
// well.
struct PostStart {
  bool failed = false;
  std::string message;
};

// What a running container's probes have said so far.
struct ProbeVerdict {
  bool started = false;
  bool ready = false;
  std::string failed;  // "liveness" or "startup": it is to be ended for that
};

struct Observation {
  base::WallTime now;
  bool sandbox = false;                        // stands
  bool prepared = false;                       // sandbox and volumes are there
  bool volumes = false;                        // something of its volumes is there, be it half made or half removed
  bool volumesStale = false;                   // something that the volumes show has changed
  std::optional<base::WallTime> volumesUntil;  // when a token in the volumes is to be renewed
  int sandboxAttempt = 0;
  std::string podIp;
  std::optional<Failure> prepareFailure;
  std::optional<Failure> refreshFailure;       // of volumes that stand
  std::optional<PodEnd> end;                   // the node gives it up
  std::vector<ContainerRecord> containers;     // by name and attempt
  std::map<std::string, Failure> failures;     // of starting a container, by its name
  std::map<std::string, Stopping> stopping;    // by container id
  std::map<std::string, PostStart> postStart;  // by container id
  std::map<std::string, ProbeVerdict> probes;  // of running containers, by id

  // The newest attempt; null when there is none. And the one before it.
  const ContainerRecord* latest(std::string_view name) const;
  const ContainerRecord* previous(std::string_view name) const;

  // It runs and its postStart hook, if any, is over.
  bool isUp(const ContainerRecord& record) const;
  // It is up, and its startup probe has succeeded.
  bool isStarted(const ContainerRecord& record) const;
};

// What cannot change under a running container: another image means another container.
std::string specHashOf(const core_v1::Container& container);

// Whether an ended container is to be run again, by its kind and the pod's restartPolicy.
bool willRestart(const core_v1::Pod& pod, const core_v1::Container& container, const ContainerRecord& ended);

// When the next attempt is due, and how long the one after it will have to wait (10 s, doubling up to 5 min; from the
// start again after 10 min of running).
base::WallTime restartAt(const ContainerRecord& ended);
std::chrono::seconds nextCrashDelay(const ContainerRecord& ended);

// All init containers have ended well (sidecars: have started), in the sandbox that stands.
bool isInitialized(const core_v1::Pod& pod, const Observation& seen);

// The phase in which the pod stays for good, if it has come to that: everything ended and nothing will restart, or an
// init container failed, or activeDeadlineSeconds are over, or the node refuses to run it or gives it up.
enum class Outcome { kNone, kSucceeded, kFailed, kDeadlineExceeded, kRejected, kGivenUp };
Outcome outcomeOf(const core_v1::Pod& pod, const Observation& seen);
// When activeDeadlineSeconds will be over; nothing without.
std::optional<base::WallTime> deadlineOf(const core_v1::Pod& pod);

}  // namespace wherry::kubelet

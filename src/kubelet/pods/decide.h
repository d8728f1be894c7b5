// What is to be done next for a pod: the kubelet's whole behaviour as one function. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kubelet/pods/observation.h"

namespace wherry::kubelet {

struct Prepare {};         // sandbox and volumes
struct RefreshVolumes {};  // what they show, beside the containers that run
struct StartContainer {
  std::string name;
  int attempt = 0;
  ContainerKind kind = ContainerKind::kRegular;
  std::chrono::seconds crashDelay{0};  // for its record
};
struct StopContainer {  // begins its end: drain, preStop; with no grace at all SIGKILL
  std::string id;
  std::chrono::seconds grace{30};
  std::string message;  // of the event Killing
};
struct HurryContainer {  // a later deletion leaves it less time than it was given
  std::string id;
  std::chrono::seconds grace{};  // from now on
};
struct SignalContainer {  // its preStop hook is over and its turn has come: its stop signal
  std::string id;
};
struct KillContainer {  // its grace period is over
  std::string id;
};
struct ForgetContainer {  // its record and log are not needed any more
  std::string id;
};
struct NoteBackOff {  // an event
  std::string id;
  std::string name;
};
struct ReleaseSandbox {};  // everything has ended; records and logs stay
struct DeletePod {};       // everything has ended and the API wants it gone

using Action = std::variant<Prepare, RefreshVolumes, StartContainer, StopContainer, HurryContainer, SignalContainer,
                            KillContainer, ForgetContainer, NoteBackOff, ReleaseSandbox, DeletePod>;

struct Decision {
  std::vector<Action> actions;
  std::optional<base::WallTime> wakeAt;  // nothing changes by itself before
};

Decision decide(const core_v1::Pod& pod, const Observation& seen);

// "start web, attempt 1"; for logs and tests.
std::string describe(const Action& action);

// "nginx_default(8f2c...)", as messages name a pod.
std::string podDescription(const core_v1::Pod& pod);

}  // namespace wherry::kubelet

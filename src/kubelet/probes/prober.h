// Prober: runs the probes of running containers, each at its own period. One thread does all that only talk to an
// address, without waiting for any of them; what blocks (commands, names to be resolved) gets a thread for as long as
// it takes. Verdicts are kept here; a changed one is announced. Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/event_recorder.h"
#include "kubelet/pods/observation.h"
#include "kubelet/probes/probe_action.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct ProbedContainer {
  std::string id;
  core_v1::Pod pod;  // keeps `target.container` alive
  base::WallTime startedAt;
  ProbeTarget target;
  // Of a container that an earlier life of ours has probed: what the API says of it, true until a probe says
  // otherwise. Its first probe comes at some moment of the period, so that not all of a node's come at once.
  std::optional<ProbeVerdict> adopted;
};

class Prober {
 public:
  // `onChange(pod uid)` is called from a probing thread when a verdict has changed.
  Prober(client::EventRecorder& events, const base::Clock& clock, std::function<void(const std::string& uid)> onChange);
  ~Prober();  // stops; waits for commands that run

  // Starts probing a container, if it has probes; one that is known already goes on as it is.
  void add(const ProbedContainer& container);
  void remove(const std::string& id);

  // What the probes of this container said; nothing for one without probes.
  std::optional<ProbeVerdict> find(const std::string& id) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

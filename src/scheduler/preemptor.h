// Preemptor: carries out what preemption.h has decided. Safe from any thread; calls block.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "scheduler/preemption.h"

namespace wherry::scheduler {

class Preemptor {
 public:
  Preemptor(client::Client& client, client::EventRecorder& events, const base::Clock& clock)
      : client_(client), events_(events), clock_(clock) {}

  // Deletes the victims; each gets the time that it asks for to end (terminationGracePeriodSeconds), a condition and an
  // event that say why. One that can't be deleted now is chosen anew the next time.
  void remove(const PodInfo& preemptor, const PreemptionPlan& plan) const;
  // The pod has to make way for one of higher priority on the node that it was promised.
  void takeBackPromise(const core_v1::Pod& pod) const;

 private:
  void removeOne(const core_v1::Pod& victim, const core_v1::Pod& preemptor, const std::string& node) const;

  client::Client& client_;
  client::EventRecorder& events_;
  const base::Clock& clock_;
  base::Log log_{"scheduler"};
};

}  // namespace wherry::scheduler

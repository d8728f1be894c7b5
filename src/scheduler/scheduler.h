// The scheduler: gives every pod a node, by the Binding subresource. One thread decides for one pod at a time; it
// sleeps until a pod or node changes.
//
// Pods of another spec.schedulerName and pods with schedulingGates are left alone. A pod that no node takes gets the
// condition PodScheduled=False, an event, and is tried again when something happens that may help.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informer.h"

namespace wherry::scheduler {

inline constexpr std::string_view kSchedulerName = "default-scheduler";

// Outlives the scheduler.
struct SchedulerContext {
  client::Client& client;
  client::InformerFactory& informers;
  const client::EventRecorder& events;
  const base::Clock& clock = base::Clock::system();
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;  // stops and joins; stop the InformerFactory first: it calls into the scheduler
};

// Works as soon as the informers (started by the caller or already running) are synced.
std::unique_ptr<Scheduler> startScheduler(SchedulerContext& context);

}  // namespace wherry::scheduler

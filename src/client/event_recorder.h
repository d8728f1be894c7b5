// Records Events, the lines at the end of `kubectl describe`. The same event again within its life is counted, not
// repeated (aggregation by source, object, type, reason and message). Never throws, never blocks on the API: events are written by
// one thread from a bounded queue and dropped when it is full. Safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "client/client.h"
#include "meta/object.h"

namespace wherry::client {

enum class Severity { kNormal, kWarning };

class EventRecorder {
 public:
  // `component` as in "default-scheduler", "kubelet"; `host` the node's name or "".
  EventRecorder(Client& client, std::string component, std::string host = {}, const base::Clock& clock = base::Clock::system());
  ~EventRecorder();

  // `fieldPath` as in "spec.containers{nginx}".
  void record(const meta::Object& about, Severity severity, std::string_view reason, std::string message,
              std::string_view fieldPath = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::client

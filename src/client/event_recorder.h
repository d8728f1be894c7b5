// Records Events, the lines at the end of `kubectl describe`. The same event again within its life is counted, not
// repeated (aggregation by source, object, type, reason and message). Never throws, never blocks on the API: events are
// written by one thread from a bounded queue and dropped when it is full. Safe from any thread. Destroying the last
// recorder of a thread drops what is still queued.
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
  // With a writing thread of its own. `component` as in "default-scheduler", "kubelet"; `host` the node's name or "".
  EventRecorder(Client& client, std::string component, std::string host = {},
                const base::Clock& clock = base::Clock::system());
  ~EventRecorder();
  EventRecorder(EventRecorder&&) noexcept;
  EventRecorder& operator=(EventRecorder&&) noexcept;

  // Another component's recorder that shares this one's thread and queue.
  EventRecorder forComponent(std::string component) const;

  // `fieldPath` as in "spec.containers{nginx}".
  void record(const meta::Object& about, Severity severity, std::string_view reason, std::string message,
              std::string_view fieldPath = {});

 private:
  struct Writer;
  explicit EventRecorder(std::shared_ptr<Writer> writer, std::string component, std::string host);

  std::shared_ptr<Writer> writer_;
  std::string component_;
  std::string host_;
};

// What happened, as far as it decides which Event counts it.
struct Occurrence {
  json::Object involvedObject;  // an ObjectReference
  std::string component;
  std::string host;
  Severity severity;
  std::string reason;
  std::string message;
  base::WallTime time;
};

// The Event for the first occurrence (core/v1), and the strategic merge patch for the `count`th. Pure.
json::Value newEvent(const Occurrence& occurrence);
json::Value countedEvent(const Occurrence& occurrence, int64_t count);

}  // namespace wherry::client

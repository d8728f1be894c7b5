// Events live an hour, and no more of them than a bound: the oldest go first. One deadline, that of the oldest event,
// runs while there are any; without events nothing wakes.
#pragma once

#include <memory>

#include "apiserver/dispatcher.h"
#include "storage/store.h"

namespace wherry::apiserver {

class EventExpiry {
 public:
  EventExpiry(storage::Store& store, Dispatcher& dispatcher, std::chrono::milliseconds life, size_t most);
  ~EventExpiry();
  EventExpiry(const EventExpiry&) = delete;
  EventExpiry& operator=(const EventExpiry&) = delete;

  // An Event was written; its life begins (anew). From any thread.
  void noteWritten(const storage::EntryPtr& entry);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wherry::apiserver

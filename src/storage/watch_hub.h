// WatchHub: the ring of the latest durable events, and the watches on it.
//
// Safe from any thread. One lock guards ring and watches; nothing holds it for longer than a few thousand events take
// to look at. Watches are kept by the resource that their prefix names, so that an event is shown to those only whom it
// may concern, and a watch of a quiet prefix neither wakes nor falls out of the ring however much happens elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "storage/event_ring.h"
#include "storage/store.h"

namespace wherry::storage {

struct Watcher;  // one watch's state: watch_hub.cc

class WatchHub : public std::enable_shared_from_this<WatchHub> {
 public:
  WatchHub(Revision start, size_t ringEvents, size_t ringBytes);
  ~WatchHub();

  // As Store::watch. The watch keeps the hub alive.
  std::unique_ptr<Watch> watch(std::string prefix, Revision from, std::function<void()> wake);

  // Takes in events (in order, newer than all before) and wakes whom they concern. `publish` is called in between, with
  // the lock held: whoever looks at ring and published state together sees both before or both after.
  void append(const std::vector<Event>& events, const std::function<void()>& publish);

  // Offers all events in (from, to] under `prefix`, oldest first. False when the ring does not reach back to `from`.
  bool replay(Revision from, Revision to, std::string_view prefix,
              const std::function<void(const Event&)>& visit) const;

 private:
  friend class HubWatch;
  struct State;
  base::Guarded<std::unique_ptr<State>> state_;
};

// "/registry/pods/" of "/registry/pods/default/web": what watches are kept by. "" when `prefix` is shorter than that.
std::string_view resourceOf(std::string_view prefix);

}  // namespace wherry::storage

// OwnWrites: keeps a reconciler from acting on a cache that does not show its own writes yet, so that it never creates
// the same thing twice. After a write it notes the written object; before the next decision it asks whether the
// informer has seen all of them. If not it simply returns: the event that is still to come adds the key to the queue
// again.
//
//   if (!writes.visible(key, pods)) return;
//   writes.wrote(key, *client.create(...));
//
// Safe from any thread, as long as one key is worked on by one thread at a time (a Workqueue's promise).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "base/guarded.h"
#include "client/informer.h"
#include "meta/object.h"

namespace wherry::client {

class OwnWrites {
 public:
  // `written`: the server's answer to a create, update or patch.
  void wrote(const std::string& key, const meta::Object& written);
  // `before`: the object whose deletion was asked for; seen once it is gone or has a deletionTimestamp.
  void removed(const std::string& key, const meta::Object& before);

  bool visible(const std::string& key, const Informer& informer);
  void forget(const std::string& key);

 private:
  struct Pending {
    int64_t revision = 0;                         // the newest of our writes
    std::map<meta::ObjectKey, std::string> uids;  // removed
  };
  base::Guarded<std::unordered_map<std::string, Pending>> pending_;
};

}  // namespace wherry::client

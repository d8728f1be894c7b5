// StaticPods: the pods of a directory of manifests, one Pod a file, which run as long as their files are there. What
// the API is shown of each is a mirror: whoever deletes that ends nothing, it is made anew. A changed file is another
// pod: the old one ends first, within its grace period. A file that can't be read as a Pod changes nothing; the log
// says why.
//
// Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "client/client.h"
#include "client/informer.h"
#include "meta/object.h"

namespace wherry::kubelet {

struct StaticPodsOptions {
  client::Client& client;
  client::Informer& pods;  // of this node
  std::string nodeName;
  std::string directory;                                // "": none, and mirrors of an earlier one go
  std::function<void(const std::string& uid)> enqueue;  // a pod is to be looked at
  const base::Clock& clock;
};

class StaticPods {
 public:
  // Adds a handler to the informer: construct it before that starts.
  explicit StaticPods(StaticPodsOptions options);
  ~StaticPods();  // as stop(); the pods run on

  // Once the informer is synced: reads the directory, then follows it.
  void start();
  void stop();

  // The uid under which this node runs what an object of the API shows; "" for a mirror of nothing.
  std::string uidOf(const meta::Object& pod) const;
  // A static pod has this uid, though the API may not show it at the moment.
  bool owns(std::string_view uid) const;
  // The pod as it is to be run now, on the ground of what is known of it; null as long as it has never been shown.
  // One that is to end has a deletionTimestamp.
  meta::ObjectPtr newest(std::string_view uid, const meta::ObjectPtr& known) const;
  // The uid of what the API shows of it at the moment; "" when that is nothing.
  std::string mirrorUidOf(std::string_view uid) const;
  // It has ended and left nothing.
  void ended(const std::string& uid);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

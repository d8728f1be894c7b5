// Removes the directories of this node's volumes of the built-in class when their PersistentVolume is deleted, and lets
// the object go then: it carries a finalizer until the data are gone.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "client/client.h"
#include "client/informer.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

class LocalVolumes {
 public:
  // Works from start() until destroyed. `directory`: below which such volumes are; nothing outside is ever removed.
  LocalVolumes(client::Client& client, client::InformerFactory& informers, std::string node, std::string directory);
  ~LocalVolumes();
  void start();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// -- pure ----------------------------------------------------------------------------------------------------------

// Whether the data go with the object: not with policy Retain, and never anything outside of `directory`.
bool takesDataAlong(const core_v1::PersistentVolume& volume, std::string_view directory);
// Whether a path is one of a volume right below `directory`.
bool isLocalVolumePath(std::string_view path, std::string_view directory);

}  // namespace wherry::kubelet

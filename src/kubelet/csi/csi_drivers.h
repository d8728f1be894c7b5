// The storage drivers of this node: each puts a socket into the registry's directory (plugins_registry), is asked who
// it is and where it listens, and goes when its socket goes. The API's CSINode tells of them. Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/client.h"
#include "kubelet/csi/csi_node.h"
#include "kubelet/csi/csi_volume.h"

namespace wherry::kubelet {

class CsiDrivers {
 public:
  CsiDrivers(client::Client& client, std::string node, CsiPaths paths);
  ~CsiDrivers();

  // Makes the directories that drivers expect, and follows the registry from then on. `onDriver` is called, on a thread
  // of its own, when one has come. Throws std::system_error.
  void start(std::function<void(const std::string& driver)> onDriver);
  void stop();
  // The Node was made anew, and its CSINode is gone with the former one.
  void showAgain();

  std::optional<CsiDriver> find(std::string_view name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

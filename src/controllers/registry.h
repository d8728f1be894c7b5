// The table of controllers. Adding one is one file and one line in registry.cc.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"

namespace wherry::controllers {

// A controller's name is the one of kube-controller-manager's --controllers flag ("deployment-controller").
using ControllerFactory = std::unique_ptr<Controller> (*)(ControllerContext&);
struct ControllerEntry {
  std::string_view name;
  ControllerFactory make;
};
const std::vector<ControllerEntry>& controllerTable();

// Those that also run where the API server stands alone: every namespace has its ServiceAccount and root CA.
std::vector<std::string> controllersOfApiAlone();

// Makes the named controllers (none named: all of the table), starts the informers they need, waits until those are
// synced and starts the controllers. Returns nothing when stop was requested meanwhile. Destroying the controllers
// stops them. `context` must outlive them.
std::vector<std::unique_ptr<Controller>> startControllers(ControllerContext& context, std::stop_token stop = {},
                                                          const std::vector<std::string>& names = {});

}  // namespace wherry::controllers

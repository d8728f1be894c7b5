#include "main/node.h"

namespace wherry::main {

void NodeDirectory::add(const std::string& name, std::shared_ptr<client::NodeConnection> connection) {
  connections_->with([&](Connections& all) { all[name] = std::move(connection); });
}

void NodeDirectory::remove(const std::string& name) {
  connections_->with([&](Connections& all) { all.erase(name); });
}

client::NodeConnections NodeDirectory::lookup() const {
  return [connections = connections_](std::string_view name) {
    return connections->with([&](const Connections& all) {
      auto at = all.find(name);
      return at == all.end() ? nullptr : at->second;
    });
  };
}

}  // namespace wherry::main

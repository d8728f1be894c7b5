// What all request handlers share: the store, the registry of the moment, and the parts of the server that a write
// needs. Everything in it is safe from any thread; it outlives every request.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apiserver/admission/admission.h"
#include "apiserver/authorization/attributes.h"
#include "apiserver/dispatcher.h"
#include "base/clock.h"
#include "base/published.h"
#include "client/node_connection.h"
#include "net/socket_stream.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

class Authenticator;
class RoleAuthorizer;
class ServiceAccountTokens;

struct Backend {
  storage::Store& store;
  const base::Clock& clock;
  Dispatcher& dispatcher;
  const ObjectReader& objects;
  ServiceAllocations& allocations;
  Authorizer authorizer;
  client::NodeConnections nodes;
  base::Published<schema::RegistryPtr> registry;
  // Told of every write that became durable, on the commit thread. May be empty.
  std::function<void(const schema::Kind&, const storage::EntryPtr&)> onWritten;
  net::StreamDialer& dialer;  // to what is not a node's pod

  const RoleAuthorizer* roles = nullptr;         // null: who may do what is not decided by roles
  const Authenticator* authenticator = nullptr;  // for TokenReviews
  const ServiceAccountTokens* tokens = nullptr;  // null: there is no key to sign them with
  quota::Accounts* quotas = nullptr;             // null: nobody counts

  schema::RegistryPtr kinds() const { return *registry.load(); }
  std::string now() const;  // RFC 3339, whole seconds
};

}  // namespace wherry::apiserver

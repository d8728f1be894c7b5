// What all request handlers share: the store, the registry of the moment, and the parts of the server that a write
// needs. Everything in it is safe from any thread; it outlives every request.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apiserver/admission/admission.h"
#include "apiserver/dispatcher.h"
#include "base/clock.h"
#include "base/published.h"
#include "client/node_connection.h"
#include "net/socket_stream.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

// Who may do what: nothing when allowed, else the reason that follows "... is forbidden: ".
struct Attributes {
  std::string verb;
  bool isResource = true;
  std::string path;  // when not a resource
  std::string group, version, resource, subresource, ns, name;
};
struct Decision {
  bool allowed = false;
  std::string reason;
};
using Authorizer = std::function<Decision(const User&, const Attributes&)>;

class Authenticator;
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

  const Authenticator* authenticator = nullptr;  // for TokenReviews
  const ServiceAccountTokens* tokens = nullptr;  // null: there is no key to sign them with
  quota::Accounts* quotas = nullptr;             // null: nobody counts

  schema::RegistryPtr kinds() const { return *registry.load(); }
  std::string now() const;  // RFC 3339, whole seconds
};

}  // namespace wherry::apiserver

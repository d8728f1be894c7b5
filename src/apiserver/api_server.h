// The Kubernetes API server: a net::Handler over a store, and in-process Clients that go the same way.
//
//   auto store = storage::openSqliteStore(apiserver::storeOptions("/var/lib/wherry/state.db"));
//   apiserver::ApiServer api({.store = *store, .kinds = schema::builtinRegistry(), ...});
//   api.start();                                       // makes what every cluster has; blocks until it is durable
//   auto server = net::startServer({..., .errorResponse = apiserver::errorResponse}, api.handler());
//
// Safe from any thread. Stop the net::Server first, then the components that use client(), then destroy this, then the
// store.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/allocations.h"
#include "apiserver/authentication.h"
#include "apiserver/authorization.h"
#include "apiserver/backend.h"
#include "apiserver/flow/request_observer.h"
#include "apiserver/oidc/options.h"
#include "apiserver/service_account_tokens.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "client/client.h"
#include "client/node_connection.h"
#include "net/server.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

struct ApiServerOptions {
  storage::Store& store;      // opened with storeOptions()
  schema::RegistryPtr kinds;  // the built-in ones
  std::vector<StaticToken> tokens;
  std::string serviceCidr = "10.96.0.0/12";
  PortRange nodePorts;
  std::string advertiseAddress;  // where the Service `kubernetes` leads; "": it has no endpoints
  uint16_t advertisePort = 6443;
  client::NodeConnections nodes;                   // may be empty: there are no nodes
  std::vector<std::string> serviceAccountKeysPem;  // the first signs ServiceAccounts' tokens; none: there are no tokens
  std::string serviceAccountIssuer = "https://kubernetes.default.svc.cluster.local";
  TokenLife tokenLife = {};
  OidcOptions oidc = {};                                       // no issuerUrl: no issuer's tokens are taken
  Authorizer authorizer = authorizeMasters;                    // asked first, before nodes and roles
  ObserverOptions observer = {};                               // limits and the audit log
  std::vector<const base::metrics::FamilyBase*> metrics = {};  // of other components, for /metrics
  const base::Clock& clock = base::Clock::system();
};

class ApiServer {
 public:
  explicit ApiServer(ApiServerOptions options);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Makes the system's namespaces, PriorityClasses, roles and the Service `kubernetes`, loads custom kinds, and keeps
  // the last two from now on. Throws StatusError when the store can't be written.
  void start();

  net::Handler handler();
  // /readyz fails from now on, so that nobody sends anything new.
  void announceStop();

  // As system:apiserver, who may do everything.
  client::Client& client();
  // As another component: "kubelet" is recorded as field manager.
  std::unique_ptr<client::Client> newClient(const User& user, std::string manager);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Volatile prefixes and indexer as this API server needs them.
storage::StoreOptions storeOptions(std::string path);

// For net::ServerOptions: what the HTTP layer refuses by itself, as a Status.
net::Response errorResponse(int status, std::string_view why);

}  // namespace wherry::apiserver

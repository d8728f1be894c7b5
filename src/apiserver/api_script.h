// For tests: an API server on a memory store behind a real HTTP server, and scripts of requests and answers against it.
//
//   POST /api/v1/namespaces/default/configmaps
//     metadata: {name: cm}
//   => 201
//     metadata: {name: cm, namespace: default}
//   $rv = metadata.resourceVersion
//   PATCH:merge /api/v1/namespaces/default/configmaps/cm
//     metadata: {resourceVersion: $rv}
//   => 200
// `GET /path as jane devs` is sent for the user jane of these groups (the administrator impersonates her). Bodies are
// YAML and are sent as JSON; `PATCH:json`, `:merge`, `:strategic` and `:apply` say which patch. An expected body is
// part of the answer: members that it does not name may be there, `null` says that one is not, `"*"` stands for any.
// The answer of a watch is a list of its events.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "net/http_client.h"
#include "net/server.h"
#include "storage/store.h"

namespace wherry::apiserver {

class ApiWorld {
 public:
  explicit ApiWorld(client::NodeConnections nodes = nullptr, ObserverOptions observer = {});
  // On a store of the caller's making, which has storeOptions("") but for what the test is about.
  explicit ApiWorld(std::unique_ptr<storage::Store> store, client::NodeConnections nodes = nullptr,
                    ObserverOptions observer = {});

  // Runs a script and reports what differs as failures of the running test. What it saved ($rv) later ones have, too.
  void run(const std::string& script);
  // Makes the ServiceAccount that pods of the namespace run as: they are refused without it.
  void admitPods(const std::string& ns = "default");

  net::ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {},
                           const std::vector<std::pair<std::string, std::string>>& headers = {});
  ApiServer& api() { return *api_; }
  uint16_t port() const { return server_->port(); }

 private:
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<net::HttpClient> http_;
  std::map<std::string, std::string> saved_;  // by name
};

}  // namespace wherry::apiserver

#include "apiserver/pod_streams.h"

#include <chrono>

#include <fmt/format.h>

#include "apiserver/authorization.h"
#include "apiserver/port_forward.h"
#include "apiserver/process_streams.h"
#include "apiserver/stream_upgrade.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::hours kIdleTime{4};

struct PodOnNode {
  meta::ObjectPtr pod;
  std::shared_ptr<client::NodeConnection> node;
};

void respondText(net::Exchange& exchange, int status, const std::string& text, const net::Headers& headers = {}) {
  auto response = net::Response::text(status, "text/plain; charset=utf-8", text + "\n");
  for (const auto& [name, value] : headers.fields()) response.headers.add(name, value);
  exchange.respond(std::move(response));
}

class PodStream {
 public:
  PodStream(Backend& backend, const ApiRequest& request)
      : backend_(backend), request_(request), info_(request.info), exchange_(*request.exchange) {}

  void serve() {
    requireCreate();
    bool forwards = info_.subresource == "portforward";
    pod_ = backend_.objects.find({"", "pods"}, info_.ns, info_.name);
    if (!pod_) throw meta::notFound({"", "pods"}, info_.name);
    std::string container = forwards ? "" : chooseContainer(*pod_, info_.query.get("container"));
    findNode();
    if (!wantsUpgrade(exchange_.request())) throw meta::badRequest("Upgrade request required");
    auto decision = decideUpgrade(exchange_.request(), forwards ? portForwardProtocols() : processProtocols());
    if (auto* refusal = std::get_if<UpgradeRefusal>(&decision)) {
      return respondText(exchange_, refusal->status, refusal->why, refusal->headers);
    }
    upgrade_ = std::move(std::get<StreamUpgrade>(decision));
    try {
      forwards ? servePortForward() : serveProcess(std::move(container));
    } catch (const meta::StatusError& error) {
      respondText(exchange_, error.code(), error.message());
    }
  }

 private:
  // A WebSocket comes by GET, but runs things: whoever may only read may not (upstream since 1.35).
  void requireCreate() {
    auto attributes = attributesOf(info_, "POST");
    attributes.verb = verbName(Verb::kCreate);
    requireAllowed(backend_.authorizer, *request_.user, attributes);
  }

  void findNode() {
    auto name = json::getString(pod_->tree(), "spec.nodeName");
    if (name.empty()) throw meta::badRequest(fmt::format("pod {} does not have a host assigned", info_.name));
    node_ = backend_.nodes ? backend_.nodes(name) : nullptr;
    if (!node_) throw meta::serviceUnavailable(fmt::format("node {} can't be reached", name));
  }

  // Null once the client has been told that it can't be.
  std::shared_ptr<net::RawConnection> upgrade() {
    auto connection = exchange_.upgrade(upgrade_.headers);
    if (!connection) {
      respondText(exchange_, 500, "unable to upgrade: unable to hijack response");
    } else {
      connection->setIdleTime(kIdleTime);
    }
    return connection;
  }

  client::StartProcess askNode(ProcessKind kind, const client::ProcessOptions& options) {
    auto uid = pod_->metadata().uid();
    return kind == ProcessKind::kExec ? node_->exec(info_.ns, info_.name, uid, options)
                                      : node_->attach(info_.ns, info_.name, uid, options);
  }

  void serveProcess(std::string container) {
    auto kind = info_.subresource == "exec" ? ProcessKind::kExec : ProcessKind::kAttach;
    auto options = readProcessOptions(kind, info_.query, std::move(container));
    if (upgrade_.protocol.starts_with("v5.")) return serveTranslated(kind, std::move(options));
    auto start = askNode(kind, options);
    auto connection = upgrade();
    if (!connection) return;
    if (upgrade_.carrier == Carrier::kSpdy) {
      return startSpdyProcess(std::move(connection), upgrade_.protocol, {kind, std::move(options), std::move(start)},
                              backend_.dispatcher);
    }
    start(newWebSocketProcess(std::move(connection), upgrade_.protocol, kind, std::move(options)));
  }

  // v5: upstream's API server upgrades before it asks the node, and tells what that says on the channel for errors.
  void serveTranslated(ProcessKind kind, client::ProcessOptions options) {
    auto connection = upgrade();
    if (!connection) return;
    auto process = newWebSocketProcess(std::move(connection), upgrade_.protocol, kind, options);
    try {
      askNode(kind, options)(process);
    } catch (const meta::StatusError& error) {
      refuseProcess(*process, meta::internalError("unable to upgrade connection: " + error.message()));
    }
  }

  void servePortForward() {
    ForwardTarget target{node_, info_.ns, info_.name, std::string(pod_->metadata().uid())};
    if (upgrade_.carrier == Carrier::kWebSocket) {
      auto ports = readForwardPorts(info_.query);
      if (auto connection = upgrade()) {
        startWebSocketPortForward(std::move(connection), upgrade_.protocol, std::move(target), ports);
      }
      return;
    }
    auto connection = upgrade();
    if (!connection) return;
    if (upgrade_.carrier == Carrier::kTunnel) connection = net::newWebSocketTunnel(std::move(connection));
    startSpdyPortForward(std::move(connection), std::move(target), backend_.dispatcher);
  }

  Backend& backend_;
  const ApiRequest& request_;
  const RequestInfo& info_;
  net::Exchange& exchange_;
  meta::ObjectPtr pod_;
  std::shared_ptr<client::NodeConnection> node_;
  StreamUpgrade upgrade_;
};

}  // namespace

void servePodStream(Backend& backend, const ApiRequest& request) { PodStream(backend, request).serve(); }

}  // namespace wherry::apiserver

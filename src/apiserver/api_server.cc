#include "apiserver/api_server.h"

#include <array>
#include <atomic>

#include <fmt/format.h>

#include "apiserver/authorization/access.h"
#include "apiserver/authorization/impersonation.h"
#include "apiserver/authorization/role_keeper.h"
#include "apiserver/discovery_cache.h"
#include "apiserver/event_expiry.h"
#include "apiserver/health.h"
#include "apiserver/housekeeping.h"
#include "apiserver/issuer_discovery.h"
#include "apiserver/local_client.h"
#include "apiserver/object_reader.h"
#include "apiserver/oidc/tokens.h"
#include "apiserver/quota/accounts.h"
#include "apiserver/resource_handler.h"
#include "apiserver/service_account_tokens.h"
#include "apiserver/stored_form.h"
#include "apiserver/telemetry/metrics_page.h"
#include "base/log.h"
#include "storage/refusal.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::hours kEventLife{1};
constexpr size_t kMostEvents = 10'000;
constexpr size_t kMaxTargetBytes = 64 * 1024;  // path and query

const base::Log& log() {
  static const base::Log kLog("apiserver");
  return kLog;
}

UserPtr componentUser() {
  return std::make_shared<const User>(User{"system:apiserver", {std::string(kMasters), "system:authenticated"}, ""});
}

bool wantsPretty(const Query& query, std::string_view userAgent) {
  if (query.has("pretty")) return query.flag("pretty");
  return userAgent.starts_with("curl/") || userAgent.starts_with("Wget/") || userAgent.starts_with("Mozilla/");
}

schema::IncludeObject includeOf(const Query& query) {
  auto text = query.get("includeObject");
  if (text.empty() || text == "Metadata") return schema::IncludeObject::kMetadata;
  if (text == "None") return schema::IncludeObject::kNone;
  if (text == "Object") return schema::IncludeObject::kObject;
  throw meta::badRequest(fmt::format("unrecognized includeObject value: \"{}\"", text));
}

meta::StatusError notAcceptable() {
  auto error = meta::notAcceptable(
      "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
      "application/vnd.kubernetes.protobuf, application/json;stream=watch, "
      "application/vnd.kubernetes.protobuf;stream=watch");
  error.withDetails({});
  return error;
}

// pods/log is not an object, nor is what a proxy answers: whatever the client accepts, it gets that.
View viewOf(const RequestInfo& info, const net::Request& request) {
  auto representation = negotiate(request.headers.get("Accept"));
  bool isText = info.subresource == "log" || info.subresource == "proxy" || !info.isResource;
  if (!representation && !isText) throw notAcceptable();
  View view{representation.value_or(Representation{}), includeOf(info.query)};
  view.representation.pretty = wantsPretty(info.query, request.headers.get("User-Agent"));
  return view;
}

RequestInfo requireInfo(const net::Request& request) {
  if (request.path.size() + request.query.size() > kMaxTargetBytes)
    throw meta::badRequest("the request's URL is too long");
  auto info = RequestInfo::parse(request.method, request.path, request.query);
  if (!info) throw meta::badRequest("the request's URL can't be decoded");
  return std::move(*info);
}

std::unique_ptr<ServiceAccountTokens> newTokens(const ApiServerOptions& options, const ObjectReader& objects) {
  if (options.serviceAccountKeysPem.empty()) return nullptr;
  return std::make_unique<ServiceAccountTokens>(options.serviceAccountKeysPem, options.serviceAccountIssuer, objects,
                                                options.clock, options.tokenLife);
}

std::unique_ptr<OidcTokens> newOidc(const ApiServerOptions& options, Dispatcher& dispatcher) {
  if (options.oidc.issuerUrl.empty()) return nullptr;
  return std::make_unique<OidcTokens>(options.oidc, options.clock, dispatcher);
}

net::Response pageNotFound() { return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n"); }

}  // namespace

struct ApiServer::State {
  explicit State(ApiServerOptions o)
      : options(std::move(o)),
        reader(options.store),
        serviceAccountTokens(newTokens(options, reader)),
        oidc(newOidc(options, dispatcher)),
        authenticator({options.tokens, serviceAccountTokens.get(), reader, options.clock, oidc.get()}),
        access(options.authorizer, options.store, reader),
        allocations(options.serviceCidr, options.nodePorts),
        quotas(options.store, reader),
        backend{options.store,
                options.clock,
                dispatcher,
                reader,
                allocations,
                access.authorizer(),
                options.nodes,
                base::Published<schema::RegistryPtr>(options.kinds),
                [this](const schema::Kind& kind, const storage::EntryPtr& entry) { noteWritten(kind, entry); },
                dialer,
                &access.roles(),
                &authenticator,
                serviceAccountTokens.get(),
                &quotas},
        observer(std::make_shared<RequestObserver>(options.observer, backend)),
        discovery(backend),
        events(options.store, dispatcher, kEventLife, kMostEvents),
        client(newLocalClient(backend, componentUser(), "apiserver")),
        customKinds(*client, options.kinds) {}

  void noteWritten(const schema::Kind& kind, const storage::EntryPtr& entry) {
    if (kind.resource.resource == "events") events.noteWritten(entry);
  }
  void serve(const std::shared_ptr<ObservedExchange>& exchange);
  void route(const std::shared_ptr<ObservedExchange>& exchange);
  void serveDocument(const net::ExchangePtr& exchange, const RequestInfo& info);
  std::optional<net::Response> findIssuerAnswer(const RequestInfo& info) const {
    if (!serviceAccountTokens) return std::nullopt;
    return issuerAnswer(info, *serviceAccountTokens,
                        fmt::format("{}:{}", options.advertiseAddress, options.advertisePort));
  }
  std::string whyNotWritable() const {
    std::string why = storage::refusalOf(options.store);
    return why.empty() ? why : "the data directory can't be written: " + why;
  }
  Advertised advertised() const { return {options.advertiseAddress, options.advertisePort, allocations.firstIp()}; }

  ApiServerOptions options;
  StoreReader reader;
  std::unique_ptr<ServiceAccountTokens> serviceAccountTokens;
  std::unique_ptr<OidcTokens> oidc;  // null: there is no issuer
  Authenticator authenticator;
  Access access;
  Allocations allocations;
  quota::Accounts quotas;
  net::StreamDialer dialer;
  Backend backend;
  std::shared_ptr<RequestObserver> observer;
  std::atomic<bool> stopping{false};
  const std::vector<HealthCheck> checks{
      {"ping", [] { return ""; }},
      {"log", [] { return ""; }},
      {"etcd", [] { return ""; }, HealthCheck::Of::kLive},  // it is in this process, and reads go on without the disk
      {"etcd", [this] { return whyNotWritable(); }, HealthCheck::Of::kReady},
      {"shutdown", [this] { return stopping ? "the server is stopping" : ""; }, HealthCheck::Of::kReady}};
  DiscoveryCache discovery;
  EventExpiry events;
  std::unique_ptr<client::Client> client;
  CustomKinds customKinds;
  Dispatcher dispatcher;  // its thread uses all of the above: it ends first
  std::unique_ptr<Housekeeping> housekeeping;
};

void ApiServer::State::serveDocument(const net::ExchangePtr& exchange, const RequestInfo& info) {
  const auto& request = exchange->request();
  if (request.method != "GET" && request.method != "HEAD") {
    return exchange->respond(statusAnswer(meta::methodNotSupported({}, request.method), {}));
  }
  if (auto health = healthAnswer(info, checks)) return exchange->respond(std::move(*health));
  if (auto issuer = findIssuerAnswer(info)) return exchange->respond(std::move(*issuer));
  if (info.path == "/metrics") {
    return exchange->respond(metricsAnswer(backend, options.metrics, request.headers.get("Accept")));
  }
  auto document = discovery.answer(info, request);
  exchange->respond(document ? std::move(*document) : pageNotFound());
}

void ApiServer::State::route(const std::shared_ptr<ObservedExchange>& exchange) {
  const auto& request = exchange->request();
  auto info = requireInfo(request);
  auto requester = authenticator.authenticate(request, *exchange->notes());
  if (!requester) {
    if (authenticator.awaitKeys(request, [this, exchange] { serve(exchange); })) return;
    requester = authenticator.authenticate(request, *exchange->notes());  // with keys that came in between
  }
  if (!requester) throw meta::unauthorized();
  exchange->identify(info, requester);
  auto user = impersonatedUser(request, requester, backend.authorizer);
  exchange->admit(user);
  auto attributes = attributesOf(info, request.method);
  auto decision = backend.authorizer(*user, attributes);
  exchange->noteDecision(decision);
  requireAllowed(decision, *user, attributes);
  if (!info.isResource) return serveDocument(exchange, info);
  auto view = viewOf(info, request);
  serveResource(backend, {exchange, std::move(info), std::move(user), std::move(view), exchange->notes()});
}

void ApiServer::State::serve(const std::shared_ptr<ObservedExchange>& exchange) {
  try {
    route(exchange);
  } catch (const meta::StatusError& error) {
    auto representation = negotiate(exchange->request().headers.get("Accept")).value_or(Representation{});
    exchange->respond(statusAnswer(error, representation));
  } catch (const std::exception& error) {
    log().error("{} {}: {}", exchange->request().method, exchange->request().path, error.what());
    exchange->respond(statusAnswer(meta::internalError(error.what()), {}));
  }
}

ApiServer::ApiServer(ApiServerOptions options) : state_(std::make_unique<State>(std::move(options))) {}

ApiServer::~ApiServer() {
  if (state_->oidc) state_->oidc->stop();  // while there is a dispatcher
}

void ApiServer::start() {
  auto& state = *state_;
  state.allocations.learn(state.reader);
  state.backend.registry.publish(state.customKinds.load());
  for (const auto& object : bootstrapObjects(state.advertised())) ensureObject(*state.client, object);
  ensureDefaultRoles(state.backend, componentUser());
  state.housekeeping = std::make_unique<Housekeeping>(
      Housekeeping::Options{*state.client, state.advertised(), state.customKinds,
                            [&state](schema::RegistryPtr kinds) { state.backend.registry.publish(std::move(kinds)); },
                            [&state] { return state.backend.now(); }});
  if (state.oidc) state.oidc->start();
}

net::Handler ApiServer::handler() {
  return [state = state_.get()](const net::ExchangePtr& exchange) {
    state->serve(std::make_shared<ObservedExchange>(exchange, state->observer));
  };
}

void ApiServer::announceStop() { state_->stopping = true; }

client::Client& ApiServer::client() { return *state_->client; }

std::unique_ptr<client::Client> ApiServer::newClient(const User& user, std::string manager) {
  return newLocalClient(state_->backend, std::make_shared<const User>(user), std::move(manager));
}

storage::StoreOptions storeOptions(std::string path) {
  storage::StoreOptions options;
  options.path = std::move(path);
  options.volatilePrefixes = volatilePrefixes();
  options.indexer = indexStored;
  return options;
}

net::Response errorResponse(int status, std::string_view why) {
  static constexpr std::array<std::pair<int, std::string_view>, 5> kReasons = {{{400, "BadRequest"},
                                                                                {408, "Timeout"},
                                                                                {413, "RequestEntityTooLarge"},
                                                                                {429, "TooManyRequests"},
                                                                                {500, "InternalError"}}};
  std::string reason;
  for (const auto& [code, name] : kReasons) {
    if (code == status) reason = name;
  }
  auto message = status == 413 ? std::string("Request entity too large: limit is 3145728") : std::string(why);
  return statusAnswer(meta::StatusError(status, reason, message), {});
}

}  // namespace wherry::apiserver

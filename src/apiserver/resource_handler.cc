#include "apiserver/resource_handler.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/authentication.h"
#include "apiserver/authorization/node_restriction.h"
#include "apiserver/delete_options.h"
#include "apiserver/draft.h"
#include "apiserver/json_scan.h"
#include "apiserver/lister.h"
#include "apiserver/metrics.h"
#include "apiserver/object_deleter.h"
#include "apiserver/object_store.h"
#include "apiserver/object_writer.h"
#include "apiserver/patcher.h"
#include "apiserver/pod_log.h"
#include "apiserver/pod_streams.h"
#include "apiserver/pod_subresources.h"
#include "apiserver/resource_proxy.h"
#include "apiserver/reviews.h"
#include "apiserver/scale.h"
#include "apiserver/stored_form.h"
#include "apiserver/warned_exchange.h"
#include "apiserver/watch_stream.h"
#include "apiserver/write_options.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxDeleteCollection = 1'000'000;  // objects in one request

class ResourceRequest {
 public:
  ResourceRequest(Backend& backend, ApiRequest request) : backend_(backend), request_(std::move(request)) {}

  void serve() {
    findKind();
    if (!kind_->deprecationWarning.empty()) {
      request_.exchange = withWarning(std::move(request_.exchange), kind_->deprecationWarning);
    }
    if (kind_->virtualKind) return serveVirtual();
    if (!request_.info.subresource.empty()) return serveSubresource();
    requireVerb(kind_->verbs);
    serveMain();
  }

 private:
  const RequestInfo& info() const { return request_.info; }
  const net::Request& http() const { return request_.exchange->request(); }

  void findKind() {
    kind_ = backend_.kinds()->findResource(info().group, info().version, info().resource);
    if (!kind_) throw meta::pathNotFound();
    bool namespaced = kind_->resource.scope == meta::Scope::kNamespaced;
    if (!namespaced && !info().ns.empty()) throw meta::pathNotFound();
    bool needsNamespace = namespaced && info().ns.empty() && info().verb != Verb::kList && info().verb != Verb::kWatch;
    if (needsNamespace && !info().name.empty()) throw meta::pathNotFound();
    if (needsNamespace) throw notAllowed();
  }

  meta::StatusError notAllowed() const {
    return meta::methodNotSupported(kind_->resource.groupResource(), verbName(info().verb));
  }

  void requireVerb(const std::vector<std::string>& verbs) const {
    if (std::find(verbs.begin(), verbs.end(), verbName(info().verb)) == verbs.end()) throw notAllowed();
    if (info().verb == Verb::kCreate && info().subresource.empty() && !info().name.empty()) throw notAllowed();
    bool needsName = info().verb == Verb::kUpdate || info().verb == Verb::kPatch;
    if (needsName && info().name.empty()) throw notAllowed();
  }

  WriteContext context() {
    WriteContext context;
    context.kind = kind_;
    context.ns = info().ns;
    context.name = info().name;
    context.subresource = info().subresource;
    context.user = request_.user;
    context.notes = request_.notes;
    readWriteOptions(context, info(), http().headers.get("User-Agent"));
    return context;
  }

  OnWritten answerer() {
    return [exchange = request_.exchange, view = request_.view, &clock = backend_.clock](Written written) {
      exchange->respond(writtenAnswer(written, view, clock.now()));
    };
  }

  void serveMain() {
    switch (info().verb) {
      case Verb::kGet:
        return get();
      case Verb::kList:
        return list();
      case Verb::kWatch:
        return watch();
      case Verb::kCreate:
        return create();
      case Verb::kUpdate:
        return update();
      case Verb::kPatch:
        return patch();
      case Verb::kDelete:
        return remove();
      case Verb::kDeleteCollection:
        return removeCollection();
      default:
        throw notAllowed();
    }
  }

  storage::EntryPtr requireEntry() const {
    auto entry = backend_.store.get(objectKey(storedResource(*kind_), info().ns, info().name));
    if (!entry) throw meta::notFound(kind_->resource.groupResource(), info().name);
    return entry;
  }

  void respondObject() {
    request_.exchange->respond(
        objectAnswer(200, *kind_, bytesFor(*kind_, requireEntry()), request_.view, backend_.clock.now()));
  }

  // Answers through `serve` once the revision that the request names has been reached; nearly always at once.
  void afterRevision(storage::Revision wanted, std::function<void()> serve) {
    if (wanted <= backend_.store.revision()) return serve();
    awaitRevision(backend_, wanted,
                  [exchange = request_.exchange, view = request_.view,
                   serve = std::move(serve)](std::optional<meta::StatusError> error) {
                    try {
                      if (error) throw meta::StatusError(*error);
                      serve();
                    } catch (const meta::StatusError& failure) {
                      exchange->respond(statusAnswer(failure, view.representation));
                    }
                  });
  }

  void get() {
    auto version = info().query.get("resourceVersion");
    if (version.empty() || version == "0") return respondObject();
    auto wanted = base::parseInt<int64_t>(version);
    if (!wanted) throw meta::badRequest(fmt::format("invalid resource version \"{}\"", version.substr(0, 64)));
    afterRevision(*wanted, [self = *this]() mutable { self.respondObject(); });
  }

  void list() {
    auto options = parseListOptions(*kind_, info());
    afterRevision(options.continueToken.empty() ? options.revision : 0, [self = *this, options]() mutable {
      auto& request = self.request_;
      try {
        auto listing = listEntries(self.backend_, *self.kind_, self.info().ns, options);
        request.exchange->respond(listAnswer(*self.kind_, listing, request.view, self.backend_.clock.now()));
      } catch (const PageExpired& error) {
        request.exchange->respond(pageExpiredAnswer(error, request.view.representation));
      }
    });
  }

  void watch() {
    auto options = parseListOptions(*kind_, info());
    auto view = request_.view;
    if (view.representation.format != Format::kJson) view.representation.format = Format::kJson;
    // The objects that are there are those of this revision at least; without them a watch may begin ahead of time.
    auto wanted = options.sendInitialEvents ? options.revision : 0;
    afterRevision(wanted, [self = *this, options = std::move(options), view = std::move(view)]() mutable {
      startWatchStream(self.backend_, self.kind_, self.info().ns, std::move(options), std::move(view),
                       self.request_.exchange);
    });
  }

  void create() {
    auto context = this->context();
    auto body = readBody(context, http());
    createObject(backend_, std::move(context), std::move(body), answerer());
  }

  void update() {
    auto context = this->context();
    auto body = std::make_shared<const json::Value>(readBody(context, http()));
    Change change;
    change.next = [body](const json::Value*) { return *body; };
    updateObject(backend_, std::move(context), std::move(change), answerer());
  }

  client::PatchType requirePatchType() const {
    auto type = patchTypeOf(http().headers.get("Content-Type"));
    if (type) return *type;
    meta::StatusError error(415, "UnsupportedMediaType", "415: Unsupported Media Type");
    throw error.withDetails({});
  }

  void patch() {
    auto type = requirePatchType();
    auto context = this->context();
    if (type == client::PatchType::kApply) context.fieldManager = info().query.get("fieldManager");
    auto patch = parsePatch(type, http().body);
    bool force = info().query.flag("force");
    auto change = changeOf(backend_, context, type, std::move(patch), force);
    updateObject(backend_, std::move(context), std::move(change), answerer());
  }

  ParsedDeleteOptions deleteOptions() {
    if (http().body.empty()) return parseDeleteOptions(info().query);
    WriteContext context;
    context.fieldValidation = FieldValidation::kIgnore;
    auto parsed = parseDeleteOptions(readBody(context, http()));
    auto inQuery = parseDeleteOptions(info().query);
    parsed.dryRun = parsed.dryRun || inQuery.dryRun;
    if (!parsed.options.gracePeriodSeconds) parsed.options.gracePeriodSeconds = inQuery.options.gracePeriodSeconds;
    if (!parsed.options.propagation) parsed.options.propagation = inQuery.options.propagation;
    return parsed;
  }

  WriteContext deletionContext(bool dryRun) {
    WriteContext context;
    context.kind = kind_;
    context.ns = info().ns;
    context.name = info().name;
    context.user = request_.user;
    context.dryRun = dryRun;
    return context;
  }

  void remove() {
    auto parsed = deleteOptions();
    deleteObject(backend_, deletionContext(parsed.dryRun), std::move(parsed.options), answerer());
  }

  // Answers the list of what was deleted, as it was.
  void removeCollection() {
    auto parsed = deleteOptions();
    auto options = parseListOptions(*kind_, info());
    if (options.limit == 0) options.limit = kMaxDeleteCollection;
    auto listing = std::make_shared<const Listing>(listEntries(backend_, *kind_, info().ns, options));
    auto answer = [self = *this, listing](Written written) {
      if (written.error) return self.request_.exchange->respond(writtenAnswer(written, self.request_.view, {}));
      self.request_.exchange->respond(listAnswer(*self.kind_, *listing, self.request_.view, self.backend_.clock.now()));
    };
    deleteEach(backend_, deletionContext(parsed.dryRun), listing->entries, parsed.options, std::move(answer));
  }

  // A body that is not stored itself, checked as an object of this kind.
  json::Value readVirtual(WriteContext context, const schema::KindPtr& kind) {
    auto body = readBody(context, http());
    context.kind = kind;
    Draft(backend_, context, body, nullptr).decode();
    return body;
  }

  void serveMetrics() {
    auto options = parseListOptions(*kind_, info());  // a name in the path selects by it
    auto listing = listMetrics(backend_, *kind_, info().ns, options);
    const auto& view = request_.view;
    if (info().verb == Verb::kList) {
      return request_.exchange->respond(listAnswer(*kind_, listing, view, backend_.clock.now()));
    }
    if (listing.entries.empty()) throw meta::notFound(kind_->resource.groupResource(), info().name);
    request_.exchange->respond(
        objectAnswer(200, *kind_, sharedBytes(listing.entries.front()), view, backend_.clock.now()));
  }

  void serveVirtual() {
    requireVerb(kind_->verbs);
    if (info().group == kMetricsGroup) return serveMetrics();
    auto context = this->context();
    auto body = readVirtual(context, kind_);
    if (info().resource == "bindings") return bindByBody(std::move(context), body);
    if (!awaitsKeys(body)) respondReview(body);
  }

  void respondReview(const json::Value& body) {
    auto review = answerReview(backend_, *kind_, info().ns, *request_.user, body);
    if (!review) throw notAllowed();
    request_.exchange->respond(treeAnswer(201, *review, request_.view.representation));
  }

  // A TokenReview waits as a request with that token would.
  bool awaitsKeys(const json::Value& review) {
    if (kind_->resource.resource != "tokenreviews" || !backend_.authenticator) return false;
    return backend_.authenticator->awaitKeys(json::getString(review, "spec.token"), [self = *this, review]() mutable {
      try {
        self.respondReview(review);
      } catch (const meta::StatusError& error) {
        self.request_.exchange->respond(statusAnswer(error, self.request_.view.representation));
      }
    });
  }

  void bindByBody(WriteContext context, const json::Value& body) {
    context.kind = backend_.kinds()->findResource("", "v1", "pods");
    context.name = json::getString(body, "metadata.name");
    bindPod(backend_, std::move(context), body, answerer());
  }

  void serveSubresource() {
    const auto* subresource = kind_->findSubresource(info().subresource);
    if (!subresource || info().name.empty()) throw meta::pathNotFound();
    if (subresource->name == "proxy") return serveProxy(backend_, request_);
    requireVerb(subresource->verbs);
    static constexpr std::array<std::string_view, 4> kParts = {"status", "ephemeralcontainers", "finalize", "approval"};
    if (std::find(kParts.begin(), kParts.end(), subresource->name) != kParts.end()) return serveMain();
    if (subresource->name == "scale") return serveScale();
    if (subresource->name == "binding") return act(kindOf(*subresource), bindPod);
    if (subresource->name == "eviction") return act(evictionKind(), evictPod);
    if (subresource->name == "token") return serveToken(*subresource);
    if (subresource->name == "log") return streamPodLog(backend_, info(), request_.exchange);
    static constexpr std::array<std::string_view, 3> kStreams = {"exec", "attach", "portforward"};
    if (std::find(kStreams.begin(), kStreams.end(), subresource->name) != kStreams.end()) {
      return servePodStream(backend_, request_);
    }
    throw meta::StatusError(501, "NotImplemented", fmt::format("{} is not served yet", subresource->name));
  }

  schema::KindPtr kindOf(const schema::Subresource& subresource) const {
    const auto& own = subresource.kind;
    bool ofParent = own.version.empty();
    return backend_.kinds()->findKind(
        {ofParent ? kind_->resource.group : own.group, ofParent ? kind_->resource.version : own.version, own.kind});
  }

  // Clients older than 1.22 send another version's: the same fields.
  schema::KindPtr evictionKind() {
    auto context = this->context();
    auto body = readBody(context, http());
    bool old = body.is_object() && json::getString(body, "apiVersion") == "policy/v1beta1";
    return backend_.kinds()->findKind({"policy", old ? "v1beta1" : "v1", "Eviction"});
  }

  void serveToken(const schema::Subresource& subresource) {
    auto body = readVirtual(context(), kindOf(subresource));
    restrictTokenRequest(backend_.objects, *request_.user, info().ns, info().name, body);
    auto answer = answerTokenRequest(backend_, info().ns, info().name, std::move(body));
    if (request_.notes) request_.notes->add("authentication.kubernetes.io/issued-credential-id", answer.credentialId);
    auto response = treeAnswer(201, answer.request, request_.view.representation);
    addWarnings(response.headers, answer.warnings);
    request_.exchange->respond(std::move(response));
  }

  void act(const schema::KindPtr& kind, void (*action)(Backend&, WriteContext, const json::Value&, OnWritten)) {
    auto context = this->context();
    auto body = readVirtual(context, kind);
    context.subresource.clear();
    action(backend_, std::move(context), body, answerer());
  }

  void serveScale() {
    if (info().verb == Verb::kGet) {
      auto object = readTree(*kind_, requireEntry());
      auto scale = renderScale(*kind_, scalePathsOf(backend_, *kind_), object);
      return request_.exchange->respond(treeAnswer(200, scale, request_.view.representation));
    }
    auto context = this->context();
    if (info().verb == Verb::kUpdate) {
      auto body = readBody(context, http());
      return updateScale(
          backend_, std::move(context), [body](const json::Value&) { return body; }, answerer());
    }
    patchScale(std::move(context));
  }

  // A Scale has no lists: strategic merge is merge.
  void patchScale(WriteContext context) {
    auto type = requirePatchType();
    if (type == client::PatchType::kStrategic) type = client::PatchType::kMerge;
    auto patch = parsePatch(type, http().body);
    if (type == client::PatchType::kApply) type = client::PatchType::kMerge;
    auto change = changeOf(backend_, context, type, std::move(patch), false);
    updateScale(
        backend_, std::move(context), [change](const json::Value& scale) { return change.next(&scale); }, answerer());
  }

  Backend& backend_;
  ApiRequest request_;
  schema::KindPtr kind_;
};

}  // namespace

void serveResource(Backend& backend, ApiRequest request) { ResourceRequest(backend, std::move(request)).serve(); }

}  // namespace wherry::apiserver

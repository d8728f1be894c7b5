#include "apiserver/object_writer.h"

#include <fmt/format.h>

#include "apiserver/authorization.h"
#include "apiserver/isolation.h"
#include "apiserver/json_scan.h"
#include "apiserver/object_deleter.h"
#include "apiserver/object_meta.h"
#include "apiserver/object_store.h"
#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"
#include "base/random.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

constexpr int kMaxNameTries = 8;      // for generateName
constexpr int kMaxUpdateTries = 100;  // each means that another writer got through

meta::StatusError namespaceTerminating(const schema::Kind& kind, std::string_view ns, std::string_view name) {
  auto error =
      meta::forbidden(kind.resource.groupResource(), name,
                      fmt::format("unable to create new content in namespace {} because it is being terminated", ns));
  auto details = error.details();
  details["causes"] = {{{"reason", "NamespaceTerminating"},
                        {"message", fmt::format("namespace {} is being terminated", ns)},
                        {"field", "metadata.namespace"}}};
  error.withDetails(std::move(details));
  return error;
}

// One create, kept alive by the store's callback.
class Creation : public std::enable_shared_from_this<Creation> {
 public:
  Creation(Backend& backend, WriteContext context, json::Value body, int code, Recording recording, OnWritten done)
      : backend_(backend),
        context_(std::move(context)),
        body_(std::move(body)),
        code_(code),
        recording_(recording),
        done_(std::move(done)) {}

  void start() {
    Draft draft(backend_, context_, body_, nullptr);
    draft.decode();
    matchNamespace(body_, context_.ns);
    generated_ = json::getString(body_, "metadata.name").empty();
    stampCreated(body_, {base::newUuid(), backend_.now(), base::randomSuffix()});
    context_.name = json::getString(body_, "metadata.name");
    requireActiveNamespace(backend_, *context_.kind, context_.ns, context_.name);
    resetStatus(*context_.kind, body_);
    draft.admit(recording_);
    warnings_ = draft.takeWarnings();
    reservations_ = draft.reservations();
    store();
  }

 private:
  void store() {
    auto key = keyOf(context_);
    if (context_.dryRun) return answerDryRun(key);
    backend_.store.create(std::move(key), renderForStore(*context_.kind, body_),
                          [self = shared_from_this()](storage::Committed committed) { self->finish(committed); });
  }

  void answerDryRun(const std::string& key) {
    if (backend_.store.newest(key)) throw meta::alreadyExists(context_.resource(), context_.name);
    auto answer = dryRunAnswer(code_, context_.kind, body_, 0);
    answer.warnings = std::move(warnings_);
    done_(std::move(answer));
  }

  void finish(const storage::Committed& committed) {
    if (committed.error == storage::WriteError::kExists && generated_ && ++tries_ < kMaxNameTries) return rename();
    if (!committed.ok()) return done_(Written::failure(writeFailure(committed, context_)));
    reservations_->commit();
    if (backend_.onWritten) backend_.onWritten(*context_.kind, committed.entry);
    Written written;
    written.code = code_;
    written.kind = context_.kind;
    written.object = bytesFor(*context_.kind, committed.entry);
    written.warnings = std::move(warnings_);
    done_(std::move(written));
  }

  // KEP-4420: a generated name that is taken is generated again.
  void rename() {
    auto& metadata = requireMetadata(body_);
    metadata["name"] =
        std::string(json::getString(body_, "metadata.generateName").substr(0, 58)) + base::randomSuffix();
    context_.name = json::getString(body_, "metadata.name");
    store();
  }

  Backend& backend_;
  WriteContext context_;
  json::Value body_;
  int code_;
  Recording recording_;
  OnWritten done_;
  bool generated_ = false;
  int tries_ = 0;
  std::vector<std::string> warnings_;
  std::shared_ptr<Reservations> reservations_;
};

class Update : public std::enable_shared_from_this<Update> {
 public:
  Update(Backend& backend, WriteContext context, Change change, OnWritten done)
      : backend_(backend), context_(std::move(context)), change_(std::move(change)), done_(std::move(done)) {}

  void attempt() {
    auto entry = backend_.store.newest(keyOf(context_));
    if (!entry) return createMissing();
    auto old = readTree(*context_.kind, entry);
    auto next = change_.next(&old);
    if (!next.is_object()) throw meta::badRequest("the object is not a JSON object");
    requireCurrent(next, old);
    if (!change_.raw) prepare(next, old);
    commit(entry, old, next);
  }

 private:
  void createMissing() {
    if (!change_.mayCreate) throw meta::notFound(context_.resource(), context_.name);
    requireMayCreate();
    auto created = change_.next(nullptr);
    requireMetadata(created).erase("resourceVersion");
    std::make_shared<Creation>(backend_, context_, std::move(created), 201, change_.recording, std::move(done_))
        ->start();
  }

  // Who may patch an object may not therefore make it.
  void requireMayCreate() const {
    const auto& resource = context_.kind->resource;
    Attributes create{.verb = "create", .group = resource.group, .version = resource.version};
    create.resource = resource.resource;
    create.ns = context_.ns;
    create.name = context_.name;
    requireAllowed(backend_.authorizer, *context_.user, create);
  }

  void requireCurrent(const json::Value& next, const json::Value& old) {
    auto expectedUid = json::getString(next, "metadata.uid");
    if (!expectedUid.empty() && expectedUid != json::getString(old, "metadata.uid")) {
      throw meta::conflict(context_.resource(), context_.name,
                           fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                                       expectedUid, json::getString(old, "metadata.uid")));
    }
    auto expected = json::getString(next, "metadata.resourceVersion");
    if (expected.empty() && context_.kind->custom) throw versionRequired();
    if (!expected.empty() && expected != "0" && expected != json::getString(old, "metadata.resourceVersion")) {
      throw conflictWithLatest(context_);
    }
  }

  meta::StatusError versionRequired() const {
    const auto& resource = context_.kind->resource;
    return meta::invalid(
        {resource.group, resource.version, resource.kind}, context_.name,
        {meta::invalidField("metadata.resourceVersion", json::Value(0), "must be specified for an update")});
  }

  void prepare(json::Value& next, const json::Value& old) {
    Draft draft(backend_, context_, next, &old);
    draft.decode();
    matchNamespace(next, context_.ns);
    matchName(next, context_.name);
    isolateUpdate(*context_.kind, context_.subresource, next, old);
    keepIdentity(next, old);
    keepManagedFields(next, old);
    draft.admit(change_.recording);
    warnings_ = draft.takeWarnings();
    reservations_ = draft.reservations();
  }

  // A client that does not know managedFields and leaves them out does not delete them.
  void keepManagedFields(json::Value& next, const json::Value& old) {
    const auto* kept = json::find(old, "metadata.managedFields");
    if (kept && !json::find(next, "metadata.managedFields")) requireMetadata(next)["managedFields"] = *kept;
  }

  void commit(const storage::EntryPtr& entry, const json::Value& old, json::Value& next) {
    if (context_.dryRun) return answer(dryRunAnswer(change_.code, context_.kind, next, entry->modified));
    auto render = renderForStore(*context_.kind, next);
    if (isFinished(next)) return removeFinished(entry, next);
    bool unchanged = !change_.raw && sameBytes(entry, old, next, render);
    if (unchanged) return answerUnchanged(entry);
    backend_.store.update(entry->key, entry->modified, std::move(render),
                          [self = shared_from_this()](storage::Committed committed) { self->finish(committed); });
  }

  // Nothing to write: Kubernetes leaves the object and its revision alone. Only for what is durable already.
  bool sameBytes(const storage::EntryPtr& entry, const json::Value& old, const json::Value& next,
                 const storage::Render& render) const {
    if (entry->modified > backend_.store.revision()) return false;
    return render(entry->modified) == entry->bytes || json::equal(old, next);
  }

  void answerUnchanged(const storage::EntryPtr& entry) {
    if (reservations_) reservations_->commit();
    Written written;
    written.code = change_.code;
    written.kind = context_.kind;
    written.object = bytesFor(*context_.kind, entry);
    answer(std::move(written));
  }

  // Marked for deletion, no grace left, nobody holds it any more: the update is the removal.
  bool isFinished(const json::Value& next) const {
    auto empty = [&](std::string_view path) {
      const auto* list = json::find(next, path);
      return !list || !list->is_array() || list->get_array().empty();
    };
    if (json::getString(next, "metadata.deletionTimestamp").empty() || !empty("metadata.finalizers")) return false;
    bool isNamespace = context_.kind->resource.group.empty() && context_.kind->resource.resource == "namespaces";
    return isNamespace ? empty("spec.finalizers") : json::getInt(next, "metadata.deletionGracePeriodSeconds") == 0;
  }

  // Watchers get the last state that was stored, the client what its update would have made of it.
  void removeFinished(const storage::EntryPtr& entry, json::Value& next) {
    auto answerBytes = renderStored(next);
    if (reservations_) reservations_->commit();
    reservations_ = admitRemoval(backend_, context_, next);
    backend_.store.remove(
        entry->key, entry->modified,
        [entry](storage::Revision revision) { return withRevision(entry->bytes, revision); },
        [self = shared_from_this(), answerBytes](storage::Committed committed) {
          self->finishRemoval(committed, answerBytes);
        });
  }

  void finishRemoval(const storage::Committed& committed, const storage::Render& render) {
    if (committed.error == storage::WriteError::kConflict) return retry(committed);
    if (!committed.ok()) return fail(writeFailure(committed, context_));
    if (reservations_) reservations_->commit();
    Written written;
    written.code = change_.code;
    written.kind = context_.kind;
    written.object = std::make_shared<const std::string>(render(committed.entry->modified));
    answer(std::move(written));
  }

  void finish(const storage::Committed& committed) {
    if (committed.error == storage::WriteError::kConflict) return retry(committed);
    if (!committed.ok()) return fail(writeFailure(committed, context_));
    if (reservations_) reservations_->commit();
    if (backend_.onWritten) backend_.onWritten(*context_.kind, committed.entry);
    Written written;
    written.code = change_.code;
    written.kind = context_.kind;
    written.object = bytesFor(*context_.kind, committed.entry);
    answer(std::move(written));
  }

  // The store refuses a conflicting write in the calling thread, so trying again here keeps the order of writers.
  void retry(const storage::Committed& committed) {
    reservations_.reset();
    warnings_.clear();
    if (++tries_ >= kMaxUpdateTries) return fail(writeFailure(committed, context_));
    try {
      attempt();
    } catch (const meta::StatusError& error) {
      fail(error);
    }
  }

  void fail(const meta::StatusError& error) { done_(Written::failure(error)); }
  void answer(Written written) {
    written.warnings = std::move(warnings_);
    done_(std::move(written));
  }

  Backend& backend_;
  WriteContext context_;
  Change change_;
  OnWritten done_;
  int tries_ = 0;
  std::vector<std::string> warnings_;
  std::shared_ptr<Reservations> reservations_;
};

}  // namespace

std::string Backend::now() const { return meta::formatTime(clock.now()); }

void requireActiveNamespace(const Backend& backend, const schema::Kind& kind, std::string_view ns,
                            std::string_view name) {
  if (kind.resource.scope != meta::Scope::kNamespaced || ns.empty()) return;
  auto entry = backend.store.newest(objectKey({"", "namespaces"}, {}, ns));
  if (!entry) throw meta::notFound({"", "namespaces"}, ns);
  if (findPath(requireReadable(entry)->bytes, "metadata.deletionTimestamp")) throw namespaceTerminating(kind, ns, name);
}

void createObject(Backend& backend, WriteContext context, json::Value body, OnWritten done) {
  std::make_shared<Creation>(backend, std::move(context), std::move(body), 201, Recording::kUpdate, std::move(done))
      ->start();
}

void updateObject(Backend& backend, WriteContext context, Change change, OnWritten done) {
  std::make_shared<Update>(backend, std::move(context), std::move(change), std::move(done))->attempt();
}

}  // namespace wherry::apiserver

#include "apiserver/object_deleter.h"

#include <mutex>

#include "apiserver/authorization/node_restriction.h"
#include "apiserver/deletion.h"
#include "apiserver/object_store.h"
#include "apiserver/stored_form.h"

namespace wherry::apiserver {
namespace {

constexpr int kMaxTries = 100;  // each means that another writer got through

AdmissionRequest removalRequest(const Backend& backend, const WriteContext& context, json::Value& object) {
  return {*context.kind,
          Operation::kDelete,
          context.subresource,
          context.ns,
          context.name,
          *context.user,
          context.dryRun,
          object,
          &object,
          backend.objects,
          backend.allocations,
          backend.clock,
          {},
          {},
          {},
          backend.quotas};
}

// Hooks may refuse that an object is deleted at all.
void validateDeletion(const Backend& backend, const WriteContext& context, json::Value& object) {
  auto request = removalRequest(backend, context, object);
  restrictNode(request);
  meta::FieldErrors errors;
  for (const auto* hook : admissionChain(*context.kind)) {
    if (hook->validate) hook->validate(request, errors);
  }
  const auto& resource = context.kind->resource;
  if (!errors.empty()) throw meta::invalid({resource.group, resource.version, resource.kind}, context.name, errors);
}

std::string successStatus(const WriteContext& context, std::string_view uid) {
  json::Object details{{"name", context.name}};
  if (!context.kind->resource.group.empty()) details["group"] = context.kind->resource.group;
  details["kind"] = context.kind->resource.resource;
  details["uid"] = uid;
  return json::serialize(json::Object{{"kind", "Status"},
                                      {"apiVersion", "v1"},
                                      {"metadata", json::Object()},
                                      {"status", "Success"},
                                      {"details", std::move(details)}});
}

class Removal : public std::enable_shared_from_this<Removal> {
 public:
  Removal(Backend& backend, WriteContext context, client::DeleteOptions options, OnWritten done)
      : backend_(backend), context_(std::move(context)), options_(std::move(options)), done_(std::move(done)) {}

  void attempt() {
    auto entry = backend_.store.newest(keyOf(context_));
    if (!entry) throw meta::notFound(context_.resource(), context_.name);
    auto stored = readTree(*context_.kind, entry);
    requireDeletable(*context_.kind, context_.name);
    requirePreconditions(*context_.kind, stored, options_);
    validateDeletion(backend_, context_, stored);
    auto plan = planDeletion(*context_.kind, stored, options_, backend_.clock.now());
    answer_ = std::move(plan.object);
    if (context_.dryRun || plan.step == DeletionStep::kKeep) return answerWithoutWriting(plan.step, entry);
    if (plan.step == DeletionStep::kMark) return mark(entry);
    remove(entry, stored);
  }

 private:
  void answerWithoutWriting(DeletionStep step, const storage::EntryPtr& entry) {
    if (step == DeletionStep::kRemove && !answersDeletedObject(*context_.kind)) return answerStatus();
    done_(dryRunAnswer(200, context_.kind, answer_, entry->modified));
  }

  void mark(const storage::EntryPtr& entry) {
    backend_.store.update(entry->key, entry->modified, renderForStore(*context_.kind, answer_),
                          [self = shared_from_this()](storage::Committed committed) { self->finishMark(committed); });
  }

  void remove(const storage::EntryPtr& entry, json::Value& stored) {
    reservations_ = admitRemoval(backend_, context_, stored);
    backend_.store.remove(
        entry->key, entry->modified,
        [entry](storage::Revision revision) { return withRevision(entry->bytes, revision); },
        [self = shared_from_this()](storage::Committed committed) { self->finishRemoval(committed); });
  }

  void finishMark(const storage::Committed& committed) {
    if (!committed.ok()) return retryOrFail(committed);
    Written written;
    written.kind = context_.kind;
    written.object = bytesFor(*context_.kind, committed.entry);
    done_(std::move(written));
  }

  void finishRemoval(const storage::Committed& committed) {
    if (!committed.ok()) return retryOrFail(committed);
    reservations_->commit();
    if (!answersDeletedObject(*context_.kind)) return answerStatus();
    done_(dryRunAnswer(200, context_.kind, answer_, committed.entry->modified));
  }

  void answerStatus() {
    Written written;
    written.object =
        std::make_shared<const std::string>(successStatus(context_, json::getString(answer_, "metadata.uid")));
    done_(std::move(written));
  }

  void retryOrFail(const storage::Committed& committed) {
    reservations_.reset();
    if (committed.error != storage::WriteError::kConflict || ++tries_ >= kMaxTries) {
      return done_(Written::failure(writeFailure(committed, context_)));
    }
    try {
      attempt();
    } catch (const meta::StatusError& error) {
      done_(Written::failure(error));
    }
  }

  Backend& backend_;
  WriteContext context_;
  client::DeleteOptions options_;
  OnWritten done_;
  json::Value answer_;
  int tries_ = 0;
  std::shared_ptr<Reservations> reservations_;
};

// Waits for the parts of a collection's deletion.
struct Tally {
  std::mutex mutex;
  size_t open = 0;
  std::optional<meta::StatusError> error;
  OnWritten done;

  void finish(const Written& written) {
    {
      std::lock_guard lock(mutex);
      if (written.error && !written.error->isNotFound() && !error) error = written.error;
      if (--open != 0) return;
    }
    done(error ? Written::failure(*error) : Written{});
  }
};

}  // namespace

std::shared_ptr<Reservations> admitRemoval(const Backend& backend, const WriteContext& context, json::Value& object) {
  auto reservations = std::make_shared<Reservations>();
  auto request = removalRequest(backend, context, object);
  for (const auto* hook : admissionChain(*context.kind)) {
    if (hook->prepare) hook->prepare(request);
  }
  reservations->add(request);
  return reservations;
}

void deleteObject(Backend& backend, WriteContext context, client::DeleteOptions options, OnWritten done) {
  std::make_shared<Removal>(backend, std::move(context), std::move(options), std::move(done))->attempt();
}

void deleteEach(Backend& backend, const WriteContext& context, const std::vector<storage::EntryPtr>& entries,
                const client::DeleteOptions& options, OnWritten done) {
  if (entries.empty()) return done({});
  auto tally = std::make_shared<Tally>();
  tally->open = entries.size();
  tally->done = std::move(done);
  auto prefix = resourcePrefix(storedResource(*context.kind));
  for (const auto& entry : entries) {
    auto key = parseObjectKey(entry->key, prefix);
    auto one = context;
    one.ns = key.ns;
    one.name = key.name;
    try {
      deleteObject(backend, std::move(one), options, [tally](Written written) { tally->finish(written); });
    } catch (const meta::StatusError& error) {
      tally->finish(Written::failure(error));
    }
  }
}

}  // namespace wherry::apiserver

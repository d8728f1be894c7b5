#include "apiserver/draft.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/authorization/grant_check.h"
#include "apiserver/authorization/node_restriction.h"
#include "apiserver/authorization/signer_check.h"
#include "apiserver/isolation.h"
#include "apiserver/object_meta.h"
#include "schema/merge.h"
#include "schema/object_rules.h"

namespace wherry::apiserver {
namespace {

bool sameOutside(const json::Value& a, const json::Value& b, const schema::Kind& kind) {
  auto counts = [&](std::string_view key) {
    if (key == "metadata" || key == "apiVersion" || key == "kind") return false;
    return key != "status" || !hasStatusSubresource(kind);
  };
  auto equalIn = [&](const json::Object& from, const json::Object& to) {
    return std::all_of(from.begin(), from.end(), [&](const auto& member) {
      if (!counts(member.key())) return true;
      const auto* other = to.if_contains(member.key());
      return other && json::equal(member.value(), *other);
    });
  };
  return equalIn(a.as_object(), b.as_object()) && equalIn(b.as_object(), a.as_object());
}

}  // namespace

Reservations::~Reservations() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
}

void Reservations::add(AdmissionRequest& request) {
  std::move(request.undo.begin(), request.undo.end(), std::back_inserter(undo_));
  std::move(request.committed.begin(), request.committed.end(), std::back_inserter(committed_));
  request.undo.clear();
  request.committed.clear();
}

void Reservations::commit() {
  undo_.clear();
  for (auto& each : committed_) each();
  committed_.clear();
}

Draft::Draft(const Backend& backend, const WriteContext& context, json::Value& object, const json::Value* old)
    : backend_(backend), context_(context), object_(object), old_(old) {}

void Draft::matchTypeMeta() {
  const auto& resource = context_.kind->resource;
  auto apiVersion = json::getString(object_, "apiVersion");
  auto kind = json::getString(object_, "kind");
  if (!kind.empty() && kind != resource.kind) {
    throw meta::badRequest(
        fmt::format("{} in version \"{}\" cannot be handled as a {}: the kind in the data does not match", kind,
                    apiVersion, resource.kind));
  }
  if (!apiVersion.empty() && apiVersion != resource.apiVersion()) {
    throw meta::badRequest(fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                                       apiVersion, resource.apiVersion()));
  }
  object_.as_object()["apiVersion"] = resource.apiVersion();
  object_.as_object()["kind"] = resource.kind;
}

void Draft::reportStrictly(const std::vector<std::string>& unknownFields) {
  std::vector<std::string> sentences;
  for (const auto& field : context_.duplicateFields) sentences.push_back(fmt::format("duplicate field \"{}\"", field));
  for (const auto& field : unknownFields) sentences.push_back(fmt::format("unknown field \"{}\"", field));
  if (sentences.empty() || context_.fieldValidation == FieldValidation::kIgnore) return;
  if (context_.fieldValidation == FieldValidation::kWarn) {
    std::move(sentences.begin(), sentences.end(), std::back_inserter(warnings_));
    return;
  }
  const auto& resource = context_.kind->resource;
  throw meta::badRequest(fmt::format("{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
                                     resource.kind, resource.version, resource.kind, fmt::join(sentences, ", ")));
}

void Draft::decode() {
  if (!object_.is_object()) throw meta::badRequest("couldn't get version/kind; json parse error: not an object");
  matchTypeMeta();
  requireMetadata(object_);
  auto mistakes = schema::checkTypes(*context_.kind->schema, object_);
  if (!mistakes.empty()) {
    const auto& resource = context_.kind->resource;
    throw meta::badRequest(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", resource.kind,
                                       resource.version, resource.kind, mistakes.front()));
  }
  reportStrictly(schema::prune(*context_.kind->schema, object_));
}

// metadata.managedFields: [{}] (or an empty list where there was one) tells the server to forget all owners.
bool Draft::clearsManagedFields() const {
  const auto* fields = json::find(object_, "metadata.managedFields");
  if (!fields || !fields->is_array()) return false;
  const auto& list = fields->get_array();
  return list.empty() || (list.size() == 1 && list[0].is_object() && list[0].get_object().empty());
}

void Draft::recordManagedFields() {
  auto& metadata = requireMetadata(object_);
  if (clearsManagedFields()) {
    metadata.erase("managedFields");
    return;
  }
  static const json::Value kNothing = nullptr;
  schema::Manager manager{context_.fieldManager, context_.kind->resource.apiVersion(), context_.subresource,
                          backend_.now()};
  auto withheld = old_ ? std::nullopt : withholdStatus(*context_.kind, object_);
  schema::recordUpdate(*context_.kind, old_ ? *old_ : kNothing, object_, manager);
  if (withheld) object_.as_object()["status"] = std::move(*withheld);
}

void Draft::setGeneration() {
  if (!context_.kind->generationTracksSpec) return;
  auto& metadata = requireMetadata(object_);
  if (!old_) {
    metadata["generation"] = 1;
  } else if (!sameOutside(*old_, object_, *context_.kind)) {
    metadata["generation"] = json::getInt(*old_, "metadata.generation") + 1;
  }
}

void Draft::admit(Recording recording) {
  schema::applyDefaults(*context_.kind->schema, object_);
  if (recording == Recording::kUpdate) recordManagedFields();
  runHooks();
}

void Draft::forEachHook(const std::function<void(const AdmissionHook&)>& f) const {
  for (const auto* hook : admissionChain(*context_.kind)) f(*hook);
}

void Draft::runHooks() {
  std::string name(json::getString(object_, "metadata.name"));  // hooks move what stands in the tree
  AdmissionRequest request{*context_.kind,
                           operation(),
                           context_.subresource,
                           context_.ns,
                           name,
                           *context_.user,
                           context_.dryRun,
                           object_,
                           old_,
                           backend_.objects,
                           backend_.allocations,
                           backend_.clock,
                           {},
                           {},
                           {},
                           backend_.quotas};
  struct Keep {  // also when a hook throws
    Reservations& reservations;
    AdmissionRequest& request;
    const AuditNotesPtr& notes;
    ~Keep() {
      reservations.add(request);
      for (auto& [key, value] : request.auditAnnotations) {
        if (notes) notes->add(key, value);
      }
    }
  } keep{*reservations_, request, context_.notes};
  restrictNode(request);
  forEachHook([&](const AdmissionHook& hook) {
    if (hook.prepare) hook.prepare(request);
  });
  requireMayGrant(backend_, request);
  setGeneration();
  dropEmptyMetadata(object_);
  validate(request);
  requireMayAnswer(backend_, request);
  forEachHook([&](const AdmissionHook& hook) {
    if (hook.check) hook.check(request);
  });
  forEachHook([&](const AdmissionHook& hook) {
    if (hook.reserve) hook.reserve(request);
  });
  std::move(request.warnings.begin(), request.warnings.end(), std::back_inserter(warnings_));
}

void Draft::validate(AdmissionRequest& request) {
  auto errors = validateMetadata(*context_.kind, object_, old_);
  auto found = schema::validate(*context_.kind->schema, object_, old_);
  std::move(found.begin(), found.end(), std::back_inserter(errors));
  forEachHook([&](const AdmissionHook& hook) {
    if (hook.validate) hook.validate(request, errors);
  });
  if (errors.empty()) return;
  const auto& resource = context_.kind->resource;
  throw meta::invalid({resource.group, resource.version, resource.kind}, json::getString(object_, "metadata.name"),
                      errors);
}

}  // namespace wherry::apiserver

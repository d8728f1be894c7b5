#include "apiserver/patcher.h"

#include <fmt/format.h>

#include "apiserver/isolation.h"
#include "apiserver/media_type.h"
#include "json/patch.h"
#include "json/yaml.h"
#include "schema/merge.h"
#include "schema/object_rules.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxJsonPatchOperations = 10000;

meta::StatusError unprocessable(const std::string& why) {
  return {422, "Invalid", "the server rejected our request due to an error in our request: " + why};
}

json::Value applyJson(const json::Value& stored, const json::Value& patch) {
  json::Value next = stored;
  try {
    json::applyJsonPatch(next, patch);
  } catch (const json::PatchError& error) {
    throw unprocessable(error.what());
  }
  return next;
}

json::Value applyMerge(const json::Value& stored, const json::Value& patch) {
  json::Value next = stored;
  json::applyMergePatch(next, patch);
  return next;
}

json::Value applyStrategic(const schema::Kind& kind, const json::Value& stored, const json::Value& patch) {
  json::Value next = stored;
  try {
    schema::applyStrategicMergePatch(*kind.schema, next, patch);
  } catch (const json::PatchError& error) {
    throw meta::StatusError(500, "", error.what());
  }
  return next;
}

void requireFieldManager(const WriteContext& context) {
  if (!context.fieldManager.empty()) return;
  throw meta::invalid({"meta.k8s.io", "v1", "PatchOptions"}, "",
                      {meta::requiredField("fieldManager", "is required for apply patch")});
}

// Everything that can be said of an applied configuration before it meets the object.
void checkApplied(const WriteContext& context, json::Value& applied) {
  const auto& resource = context.kind->resource;
  if (!applied.is_object()) throw meta::badRequest("the applied configuration is not an object");
  if (json::getString(applied, "apiVersion").empty() || json::getString(applied, "kind").empty()) {
    throw meta::badRequest("the applied configuration must set apiVersion and kind");
  }
  if (json::getString(applied, "apiVersion") != resource.apiVersion() ||
      json::getString(applied, "kind") != resource.kind) {
    throw meta::badRequest(
        fmt::format("the applied configuration is not a {} of {}", resource.kind, resource.apiVersion()));
  }
  if (json::find(applied, "metadata.managedFields")) {
    throw meta::badRequest("metadata.managedFields must be nil");
  }
  auto mistakes = schema::checkTypes(*context.kind->schema, applied);
  if (!mistakes.empty()) throw meta::badRequest(mistakes.front());
  auto& metadata = json::ensureObject(applied.as_object(), "metadata");
  if (json::getString(applied, "metadata.name").empty()) metadata["name"] = context.name;
  if (!context.ns.empty() && json::getString(applied, "metadata.namespace").empty()) metadata["namespace"] = context.ns;
}

Change applyChange(const Backend& backend, const WriteContext& context, json::Value applied, bool force) {
  requireFieldManager(context);
  checkApplied(context, applied);
  isolateApplied(*context.kind, context.subresource, applied);
  Change change;
  change.mayCreate = context.subresource.empty();
  change.recording = Recording::kApplied;
  change.next = [&backend, kind = context.kind, manager = context.fieldManager, subresource = context.subresource,
                 applied = std::move(applied), force](const json::Value* stored) {
    static const json::Value kNothing = nullptr;
    schema::Manager by{manager, kind->resource.apiVersion(), subresource, backend.now()};
    return schema::serverSideApply(*kind, stored ? *stored : kNothing, applied, by,
                                   force ? schema::Force::kYes : schema::Force::kNo);
  };
  return change;
}

}  // namespace

std::optional<client::PatchType> patchTypeOf(std::string_view contentType) {
  auto type = mediaTypeOf(contentType);
  if (type == "application/json-patch+json") return client::PatchType::kJson;
  if (type == "application/merge-patch+json") return client::PatchType::kMerge;
  if (type == "application/strategic-merge-patch+json") return client::PatchType::kStrategic;
  if (type == "application/apply-patch+yaml") return client::PatchType::kApply;
  return std::nullopt;
}

json::Value parsePatch(client::PatchType type, std::string_view body) {
  try {
    return type == client::PatchType::kApply ? json::parseYaml(body) : json::parse(body);
  } catch (const json::ParseError& error) {
    throw meta::badRequest(fmt::format("error decoding patch: {}", error.what()));
  }
}

Change changeOf(const Backend& backend, const WriteContext& context, client::PatchType type, json::Value patch,
                bool force) {
  if (type == client::PatchType::kApply) return applyChange(backend, context, std::move(patch), force);
  bool isList = patch.is_array();
  if (isList != (type == client::PatchType::kJson) || (!isList && !patch.is_object())) {
    throw meta::badRequest("the patch is not of the form that its content type says");
  }
  if (isList && patch.get_array().size() > kMaxJsonPatchOperations) {
    throw meta::requestEntityTooLarge(fmt::format("The allowed maximum operations in a JSON patch is {}, got {}",
                                                  kMaxJsonPatchOperations, patch.get_array().size()));
  }
  if (type == client::PatchType::kStrategic && context.kind->custom) {
    throw meta::unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
        "application/merge-patch+json, application/apply-patch+yaml");
  }
  Change change;
  change.next = [type, kind = context.kind, patch = std::move(patch)](const json::Value* stored) {
    if (type == client::PatchType::kJson) return applyJson(*stored, patch);
    if (type == client::PatchType::kMerge) return applyMerge(*stored, patch);
    return applyStrategic(*kind, *stored, patch);
  };
  return change;
}

}  // namespace wherry::apiserver

#include "controllers/pod_writer.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::controllers {

using client::Severity;
using core_v1::Pod;

PodWriter::PodWriter(client::Client& client, client::EventRecorder& events, client::OwnWrites& writes)
    : client_(client), events_(events), writes_(writes) {}

void PodWriter::create(const meta::Object& owner, const json::Value& pod) {
  try {
    const auto created = client_.create(Pod::kResource(), owner.metadata().ns(), pod);
    writes_.wrote(owner.key().text(), *created);
    events_.record(owner, Severity::kNormal, "SuccessfulCreate",
                   fmt::format("Created pod: {}", created->metadata().name()));
  } catch (const meta::StatusError& error) {
    tell(owner, error, "FailedCreate", "creating");
    throw;
  }
}

void PodWriter::remove(const meta::Object& owner, const Pod& pod) {
  const auto metadata = pod.metadata();
  try {
    client_.remove(Pod::kResource(), metadata.ns(), metadata.name(), {.uid = std::string(metadata.uid())});
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound() && !error.isConflict()) {
      tell(owner, error, "FailedDelete", "deleting");
      throw;
    }
  }
  writes_.removed(owner.key().text(), *pod.object());
  events_.record(owner, Severity::kNormal, "SuccessfulDelete", fmt::format("Deleted pod: {}", metadata.name()));
}

void PodWriter::tell(const meta::Object& owner, const meta::StatusError& error, std::string_view reason,
                     std::string_view what) {
  if (isNamespaceTerminating(error)) return;
  events_.record(owner, Severity::kWarning, reason, fmt::format("Error {}: {}", what, error.message()));
}

json::Value podFromTemplate(const meta::Object& owner, const core_v1::PodTemplateSpec& podTemplate) {
  const auto ownerMetadata = owner.metadata();
  json::Object metadata{{"generateName", std::string(ownerMetadata.name()) + "-"}, {"namespace", ownerMetadata.ns()}};
  const auto& fromTemplate = podTemplate.metadata().tree();
  for (const auto field : {"labels", "annotations", "finalizers"}) {
    if (const auto* value = fromTemplate.if_contains(field)) metadata[field] = *value;
  }
  metadata["ownerReferences"] = json::Array{meta::controllerReference(owner)};
  return json::Object{
      {"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(metadata)}, {"spec", podTemplate.spec().tree()}};
}

bool isNamespaceTerminating(const meta::StatusError& error) {
  const auto* causes = error.details().if_contains("causes");
  if (!causes || !causes->is_array()) return false;
  const auto& list = causes->get_array();
  return std::any_of(list.begin(), list.end(), [](const json::Value& cause) {
    return json::getString(cause, "reason") == "NamespaceTerminating";
  });
}

}  // namespace wherry::controllers

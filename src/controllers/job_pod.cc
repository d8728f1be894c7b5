#include <fmt/format.h>

#include "controllers/job.h"
#include "controllers/job_index_failures.h"
#include "controllers/pod_writer.h"

namespace wherry::controllers {

namespace {

using batch_v1::Job;

constexpr std::string_view kIndexVariable = "JOB_COMPLETION_INDEX";

void addTrackingFinalizer(json::Object& metadata) {
  json::Array& finalizers = json::ensureArray(metadata, "finalizers");
  for (const auto& finalizer : finalizers) {
    if (finalizer.is_string() && finalizer.get_string() == kJobTrackingFinalizer) return;
  }
  finalizers.emplace_back(kJobTrackingFinalizer);
}

// From the pod's label, so that it is right in whatever pod the container runs; unless the template has its own.
void addIndexVariable(json::Object& container) {
  json::Array& variables = json::ensureArray(container, "env");
  for (const auto& variable : variables) {
    if (json::getString(variable, "name") == kIndexVariable) return;
  }
  json::Object field{{"fieldPath", fmt::format("metadata.labels['{}']", kCompletionIndex)}};
  variables.push_back(
      json::Object{{"name", kIndexVariable}, {"valueFrom", json::Object{{"fieldRef", std::move(field)}}}});
}

void addIndexVariables(json::Object& spec) {
  for (const char* list : {"initContainers", "containers"}) {
    json::Value* containers = spec.if_contains(list);
    if (!containers || !containers->is_array()) continue;
    for (auto& container : containers->get_array()) {
      if (container.is_object()) addIndexVariable(container.get_object());
    }
  }
}

// "<job>-<index>-"; the server cuts at 58 characters, and the index shall remain.
std::string nameBase(const Job& job, int64_t index) {
  constexpr size_t kLongestBase = 58;
  const std::string suffix = fmt::format("-{}-", index);
  return std::string(job.metadata().name().substr(0, kLongestBase - suffix.size())) + suffix;
}

void applyIndex(json::Object& pod, const Job& job, const JobPodActions::Create& create) {
  const auto text = std::to_string(*create.index);
  json::Object& metadata = json::ensureObject(pod, "metadata");
  metadata["generateName"] = nameBase(job, *create.index);
  json::ensureObject(metadata, "labels")[kCompletionIndex] = text;
  json::Object& annotations = json::ensureObject(metadata, "annotations");
  annotations[kCompletionIndex] = text;
  if (job.spec().hasBackoffLimitPerIndex()) {
    annotations[kIndexFailureCount] = std::to_string(create.failures.counted);
    if (create.failures.ignored > 0) annotations[kIndexIgnoredFailureCount] = std::to_string(create.failures.ignored);
  }
  json::Object& spec = json::ensureObject(pod, "spec");
  spec["hostname"] = fmt::format("{}-{}", job.metadata().name(), *create.index);
  addIndexVariables(spec);
}

}  // namespace

json::Value jobPod(const Job& job, const JobPodActions::Create& create) {
  json::Value pod = podFromTemplate(*job.object(), job.spec().template_());
  json::Object& object = pod.as_object();
  addTrackingFinalizer(json::ensureObject(object, "metadata"));
  if (create.index) applyIndex(object, job, create);
  return pod;
}

}  // namespace wherry::controllers

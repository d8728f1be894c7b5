// What is done to every pod spec, in a Pod and in a template alike. Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "meta/status.h"

namespace wherry::apiserver {

// Defaults that depend on other fields: the pull policy by the image's tag, requests from limits, host ports of a pod
// on the host's network.
void applyPodSpecDefaults(json::Object& spec);

// `path`: where the spec stands ("spec", "spec.template.spec").
void validatePodSpec(const json::Object& spec, const std::string& path, meta::FieldErrors& errors);

// Parts of the above. Probes, hooks and restart rules:
void validateContainerLives(const json::Object& spec, const std::string& path, meta::FieldErrors& errors);
// Namespaces of the node, kernel settings, seccomp, rights:
void validatePodSecurity(const json::Object& spec, const std::string& path, meta::FieldErrors& errors);
// The fields that an ephemeral container may have, and its target.
void validateEphemeralContainers(const json::Object& spec, const std::string& path, meta::FieldErrors& errors);
// Those that a pod has stay, as they are.
void validateEphemeralContainersUpdate(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors);

// Affinity terms and topology spread constraints.
void validatePodScheduling(const json::Object& spec, const std::string& path, meta::FieldErrors& errors);

// What a new pod's status.conditions say: PodScheduled is False, reason SchedulingGated, while it has gates.
json::Array conditionsOfGated(const json::Object& spec);
// A new pod's matchLabelKeys and mismatchLabelKeys become part of the labelSelector beside them.
void applyLabelKeys(json::Object& spec, const json::Object& labels);

// While a pod is gated, the nodes it may go to may become fewer (KEP-3838).
bool mayMoveElsewhere(const json::Object& old);
void validateGatedUpdate(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors);
// Takes out what validateGatedUpdate() has judged.
void eraseNodeChoice(json::Object& spec);

// "Guaranteed", "Burstable", "BestEffort".
std::string_view qosClass(const json::Object& spec);

// Calls f(container, path) for the containers of each list ("initContainers", "containers", "ephemeralContainers").
template <typename SpecObject, typename F>
void forEachContainer(SpecObject& spec, const std::string& path, F&& f) {
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    auto* containers = spec.if_contains(list);
    if (!containers || !containers->is_array()) continue;
    size_t index = 0;
    for (auto& container : containers->get_array()) {
      if (container.is_object()) {
        f(container.get_object(), path + "." + list + "[" + std::to_string(index) + "]");
      }
      ++index;
    }
  }
}

}  // namespace wherry::apiserver

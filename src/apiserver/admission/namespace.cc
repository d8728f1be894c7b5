#include <algorithm>

#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {

// A new namespace is Active, is kept by the finalizer that the namespace controller removes, and carries its name as a
// label (KEP-2161).
void prepareNamespace(AdmissionRequest& request) {
  json::Object& object = request.object.as_object();
  if (request.operation == Operation::kDelete) return;
  json::ensureObject(json::ensureObject(object, "metadata"), "labels")["kubernetes.io/metadata.name"] = request.name;
  if (request.operation != Operation::kCreate) return;
  json::Array& finalizers = json::ensureArray(json::ensureObject(object, "spec"), "finalizers");
  bool kept = std::any_of(finalizers.begin(), finalizers.end(),
                          [](const json::Value& value) { return value == json::Value("kubernetes"); });
  if (!kept) finalizers.emplace_back("kubernetes");
  object["status"] = {{"phase", "Active"}};
}

}  // namespace wherry::apiserver

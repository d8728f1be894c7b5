// Events: they stand in the namespace of what they are about.
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {

// What has no namespace is spoken of in "default".
void validateEvent(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  std::string subject = request.kind.resource.group.empty() ? "involvedObject" : "regarding";
  std::string_view ns = json::getString(request.object, subject + ".namespace");
  if (ns == request.ns || (ns.empty() && request.ns == "default")) return;
  errors.push_back(meta::invalidField("involvedObject.namespace", json::Value(ns), "does not match event.namespace"));
}

}  // namespace wherry::apiserver

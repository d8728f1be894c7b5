// ResourceQuotas: what a namespace may use together. The accounts are kept in quota/accounts.h.
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/quota/accounts.h"
#include "apiserver/quota/usage.h"
#include "meta/names.h"

namespace wherry::apiserver {

void releaseQuota(AdmissionRequest& request) {
  if (request.quotas && request.operation == Operation::kDelete) request.quotas->release(request);
}

// A status counts too: a pod that has ended takes nothing any more.
void reserveQuota(AdmissionRequest& request) {
  bool counts = request.subresource.empty() || request.subresource == "status" || request.subresource == "resize";
  if (request.quotas && counts) request.quotas->charge(request);
}

// A status without `used` asks for it to be counted: it is written as it is at this moment.
void prepareResourceQuota(AdmissionRequest& request) {
  if (!request.quotas || request.operation != Operation::kUpdate || request.subresource != "status") return;
  json::Object& object = request.object.as_object();
  if (objectAt(object, "status.hard").empty() || json::find(object, "status.used")) return;
  json::Object used = request.quotas->count(request.ns, request.object);
  json::ensureObject(object, "status")["used"] = std::move(used);
}

void validateResourceQuota(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  for (const auto& [name, quantity] : quota::hardOf(request.object)) {
    std::string path = "spec.hard[" + name + "]";
    addInvalid(path, json::Value(name), meta::checkQualifiedName(name), errors);
    if (quantity.negative()) {
      errors.push_back(meta::invalidField(path, json::Value(quantity.text()), "must be greater than or equal to 0"));
    }
  }
  if (request.old && !sameAt(request.object, *request.old, "spec.scopes")) {
    const json::Value* scopes = json::find(request.object, "spec.scopes");
    errors.push_back(meta::invalidField("spec.scopes", scopes ? *scopes : json::Value(), "field is immutable"));
  }
}

}  // namespace wherry::apiserver

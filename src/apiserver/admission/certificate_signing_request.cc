// CertificateSigningRequests: who asks is what the server knows, never what the request says; what is asked for, and
// what was answered, stays.
#include <algorithm>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "base/encoding.h"
#include "base/strings.h"
#include "meta/names.h"
#include "meta/time.h"
#include "pki/certificate_request.h"

namespace wherry::apiserver {
namespace {

using json::getString;

json::Array namesOf(const std::vector<std::string>& names) {
  json::Array list;
  for (const std::string& name : names) list.emplace_back(name);
  return list;
}

// "example.com/my-signer": a domain of its own and a path of names.
bool isSignerName(std::string_view text) {
  auto parts = base::splitOnce(text, '/');
  if (!parts || parts->first.find('.') == std::string_view::npos) return false;
  if (!meta::checkDns1123Subdomain(parts->first).empty()) return false;
  for (std::string_view step : base::split(parts->second, '/')) {
    if (!meta::checkDns1123Subdomain(step).empty()) return false;
  }
  return true;
}

void fillInRequester(json::Object& spec, const User& user) {
  for (const char* field : {"username", "uid", "groups", "extra"}) spec.erase(field);
  spec["username"] = user.name;
  if (!user.uid.empty()) spec["uid"] = user.uid;
  if (!user.groups.empty()) spec["groups"] = namesOf(user.groups);
  json::Object extra;
  for (const auto& [key, values] : user.extra) extra[key] = namesOf(values);
  if (!extra.empty()) spec["extra"] = std::move(extra);
}

const json::Value* findCondition(const json::Value& request, std::string_view type) {
  for (const auto& condition : arrayAt(request, "status.conditions")) {
    if (getString(condition, "type") == type) return &condition;
  }
  return nullptr;
}

// An answer has the time at which it was given, and that at which it became what it is.
void dateConditions(json::Object& object, const json::Value& old, const base::Clock& clock) {
  auto* status = object.if_contains("status");
  auto* conditions = status && status->is_object() ? status->get_object().if_contains("conditions") : nullptr;
  if (!conditions || !conditions->is_array()) return;
  const json::Value now(meta::formatTime(clock.now()));
  for (auto& condition : conditions->get_array()) {
    if (!condition.is_object()) continue;
    const auto* before = findCondition(old, getString(condition, "type"));
    const bool same = before && getString(*before, "status") == getString(condition, "status");
    setDefault(condition.get_object(), "lastUpdateTime", now);
    setDefault(condition.get_object(), "lastTransitionTime",
               same ? json::Value(getString(*before, "lastTransitionTime")) : now);
  }
}

void validateSpec(const json::Value& object, meta::FieldErrors& errors) {
  std::string_view signer = getString(object, "spec.signerName"), asked = getString(object, "spec.request");
  try {
    if (!asked.empty()) static_cast<void>(pki::readRequest(base::decodeBase64(asked).value_or("")));
  } catch (const std::exception& error) {
    errors.push_back(meta::invalidField("spec.request", json::Value(asked), error.what()));
  }
  if (arrayAt(object, "spec.usages").empty()) {
    errors.push_back(meta::requiredField("spec.usages", "usages must be provided"));
  }
  if (signer == "kubernetes.io/legacy-unknown") {
    errors.push_back(meta::invalidField("spec.signerName", json::Value(signer),
                                        "the legacy signerName is not allowed via this API version"));
  } else if (!signer.empty() && !isSignerName(signer)) {
    errors.push_back(
        meta::invalidField("spec.signerName", json::Value(signer),
                           "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
  }
}

void validateConditions(const AdmissionRequest& request, meta::FieldErrors& errors) {
  constexpr auto kField = "status.conditions";
  const bool approval = request.subresource == "approval";
  for (auto type : {"Approved", "Denied", "Failed"}) {
    const auto* before = findCondition(*request.old, type);
    const auto* now = findCondition(request.object, type);
    if (before && !now) {
      errors.push_back(
          meta::forbiddenField(kField, fmt::format("updates may not remove a condition of type \"{}\"", type)));
    }
    const bool mayAdd = approval || std::string_view(type) == "Failed";
    if (!before && now && !mayAdd) {
      errors.push_back(
          meta::forbiddenField(kField, fmt::format("updates may not add a condition of type \"{}\"", type)));
    }
    if (now && getString(*now, "status") != "True") {
      errors.push_back(
          meta::notSupportedField(std::string(kField) + ".status", json::Value(getString(*now, "status")), {"True"}));
    }
  }
  if (findCondition(request.object, "Approved") && findCondition(request.object, "Denied")) {
    errors.push_back(
        meta::invalidField(kField, json::Value("Denied"), "Approved and Denied conditions are mutually exclusive"));
  }
}

}  // namespace

void prepareCertificateSigningRequest(AdmissionRequest& request) {
  if (request.operation == Operation::kDelete) return;
  json::Object& object = request.object.as_object();
  if (request.old) {
    if (const json::Value* spec = json::find(*request.old, "spec")) object["spec"] = *spec;
    return dateConditions(object, *request.old, request.clock);
  }
  fillInRequester(json::ensureObject(object, "spec"), request.user);
}

void validateCertificateSigningRequest(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (creates(request)) return validateSpec(request.object, errors);
  if (!request.old || request.operation == Operation::kDelete) return;
  validateConditions(request, errors);
  auto before = getString(*request.old, "status.certificate");
  if (!before.empty() && before != getString(request.object, "status.certificate")) {
    errors.push_back(
        meta::forbiddenField("status.certificate", "updates may not change a certificate that was issued"));
  }
}

void restrictCertificateSubject(AdmissionRequest& request) {
  if (!creates(request)) return;
  if (getString(request.object, "spec.signerName") != "kubernetes.io/kube-apiserver-client") return;
  auto facts = pki::readRequest(base::decodeBase64(getString(request.object, "spec.request")).value_or(""));
  if (std::ranges::find(facts.organizations, "system:masters") == facts.organizations.end()) return;
  throw meta::forbidden(request.kind.resource.groupResource(), request.name,
                        "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed");
}

}  // namespace wherry::apiserver

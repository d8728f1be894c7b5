// CertificateSigningRequests: who asks is what the server knows, never what the request says, and what is asked for
// stays.
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "base/encoding.h"
#include "base/strings.h"
#include "meta/names.h"

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

bool isPemRequest(std::string_view base64) {
  auto text = base::decodeBase64(base64);
  return text && text->find("-----BEGIN CERTIFICATE REQUEST-----") != std::string::npos;
}

}  // namespace

void prepareCertificateSigningRequest(AdmissionRequest& request) {
  if (request.operation == Operation::kDelete) return;
  json::Object& object = request.object.as_object();
  if (request.old) {
    if (const json::Value* spec = json::find(*request.old, "spec")) object["spec"] = *spec;
    return;
  }
  json::Object& spec = json::ensureObject(object, "spec");
  for (const char* field : {"username", "uid", "groups", "extra"}) spec.erase(field);
  spec["username"] = request.user.name;
  if (!request.user.uid.empty()) spec["uid"] = request.user.uid;
  if (!request.user.groups.empty()) spec["groups"] = namesOf(request.user.groups);
}

void validateCertificateSigningRequest(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!creates(request)) return;
  std::string_view signer = getString(request.object, "spec.signerName"),
                   asked = getString(request.object, "spec.request");
  if (!asked.empty() && !isPemRequest(asked)) {
    errors.push_back(
        meta::invalidField("spec.request", json::Value(asked), "PEM block type must be CERTIFICATE REQUEST"));
  }
  if (!signer.empty() && !isSignerName(signer)) {
    errors.push_back(
        meta::invalidField("spec.signerName", json::Value(signer),
                           "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
  }
}

}  // namespace wherry::apiserver

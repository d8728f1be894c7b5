// BackendTLSPolicies: in what targets and names must agree. The standard writes these rules in CEL.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {
namespace {

using json::getString;

bool sameTarget(const json::Value& a, const json::Value& b) {
  return std::ranges::all_of(std::array{"group", "kind", "name"},
                             [&](const char* field) { return getString(a, field) == getString(b, field); });
}

void checkTargets(const json::Value& policy, meta::FieldErrors& errors) {
  const std::string path = "spec.targetRefs";
  const json::Array& targets = arrayAt(policy, path);
  bool agree = true, differ = true;
  for (auto one = targets.begin(); one != targets.end(); ++one) {
    for (auto other = std::next(one); other != targets.end(); ++other) {
      if (!sameTarget(*one, *other)) continue;
      const std::string_view a = getString(*one, "sectionName"), b = getString(*other, "sectionName");
      agree = agree && a.empty() == b.empty();
      differ = differ && a != b;
    }
  }
  demand(agree, path, "array",
         "sectionName must be specified when targetRefs includes 2 or more references to the same target", errors);
  demand(differ, path, "array",
         "sectionName must be unique when targetRefs includes 2 or more references to the same target", errors);
}

// Each type of name, and the field that has it.
void checkName(const json::Value& name, const std::string& at, meta::FieldErrors& errors) {
  struct Form {
    std::string_view type, field, word;
  };
  constexpr std::array kForms = {Form{"Hostname", "hostname", "Hostname"}, Form{"URI", "uri", "URI"}};
  for (const Form& form : kForms) {
    const bool has = !getString(name, form.field).empty(), is = getString(name, "type") == form.type;
    demand(has || !is, at, "object",
           fmt::format("SubjectAltName element must contain {}, if Type is set to {}", form.word, form.type), errors);
    demand(!has || is, at, "object",
           fmt::format("SubjectAltName element must not contain {}, if Type is not set to {}", form.word, form.type),
           errors);
  }
}

void checkAuthorities(const json::Value& policy, meta::FieldErrors& errors) {
  const std::string path = "spec.validation";
  const bool named = !arrayAt(policy, path + ".caCertificateRefs").empty();
  const bool known = !getString(policy, path + ".wellKnownCACertificates").empty();
  demand(!named || !known, path, "object", "must not contain both CACertificateRefs and WellKnownCACertificates",
         errors);
  demand(named || known, path, "object", "must specify either CACertificateRefs or WellKnownCACertificates", errors);
}

}  // namespace

void validateBackendTlsPolicy(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkTargets(request.object, errors);
  checkAuthorities(request.object, errors);
  const std::string names = "spec.validation.subjectAltNames";
  forEachItem(arrayAt(request.object, names), names,
              [&](const json::Value& name, const std::string& at) { checkName(name, at, errors); });
}

}  // namespace wherry::apiserver

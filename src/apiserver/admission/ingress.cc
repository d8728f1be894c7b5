// Ingresses and IngressClasses: hosts, paths and where they lead.
#include <array>

#include <fmt/format.h>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";
constexpr std::string_view kDefaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class";

// "*.example.com" stands for every name with one more label.
std::vector<std::string> checkHostName(std::string_view host) {
  if (host.find('*') == std::string_view::npos) return meta::checkDns1123Subdomain(host);
  if (!host.starts_with("*."))
    return {"a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain"};
  return meta::checkDns1123Subdomain(host.substr(2));
}

void checkHost(std::string_view host, const std::string& path, meta::FieldErrors& errors) {
  if (host.empty()) return;
  if (familyOf(host)) {
    errors.push_back(meta::invalidField(path, json::Value(host), "must be a DNS name, not an IP address"));
  } else {
    addInvalid(path, json::Value(host), checkHostName(host), errors);
  }
}

void checkServiceBackend(const json::Value& service, const std::string& path, meta::FieldErrors& errors) {
  std::string_view name = getString(service, "name"), portName = getString(service, "port.name");
  if (!name.empty()) addInvalid(path + ".service.name", json::Value(name), meta::checkDns1123Label(name), errors);
  bool numbered = json::getInt(service, "port.number") != 0;
  if (!portName.empty() && numbered) {
    errors.push_back(meta::invalidField(path, "", "cannot set both port name & port number"));
  } else if (!portName.empty()) {
    addInvalid(path + ".service.port.name", json::Value(portName), meta::checkPortName(portName), errors);
  } else if (!numbered) {
    errors.push_back(meta::requiredField(path, "port name or number is required"));
  }
}

void checkBackend(const json::Value* backend, const std::string& path, meta::FieldErrors& errors) {
  if (!backend) return;
  const json::Value *resource = json::find(*backend, "resource"), *service = json::find(*backend, "service");
  if (resource && service) {
    errors.push_back(meta::invalidField(path, "", "cannot set both resource and service backends"));
  } else if (service) {
    checkServiceBackend(*service, path, errors);
  }
}

// Proxies would take these for another path than the one that is written.
constexpr std::array<std::string_view, 5> kForbidden = {"//", "/./", "/../", "%2f", "%2F"};
constexpr std::array<std::string_view, 2> kForbiddenEnds = {"/..", "/."};

void checkExactPath(std::string_view path, const std::string& field, meta::FieldErrors& errors) {
  if (!path.starts_with('/')) {
    errors.push_back(meta::invalidField(field, json::Value(path), "must be an absolute path"));
  }
  for (std::string_view sequence : kForbidden) {
    if (path.find(sequence) == std::string_view::npos) continue;
    errors.push_back(meta::invalidField(field, json::Value(path), fmt::format("must not contain '{}'", sequence)));
  }
  for (std::string_view end : kForbiddenEnds) {
    if (path.ends_with(end)) {
      errors.push_back(meta::invalidField(field, json::Value(path), fmt::format("cannot end with '{}'", end)));
    }
  }
}

void checkPath(const json::Value& each, const std::string& path, meta::FieldErrors& errors) {
  std::string_view type = getString(each, "pathType"), text = getString(each, "path");
  if (type == "Exact" || type == "Prefix") {
    checkExactPath(text, path + ".path", errors);
  } else if (type == "ImplementationSpecific" && !text.empty() && !text.starts_with('/')) {
    errors.push_back(meta::invalidField(path + ".path", json::Value(text), "must be an absolute path"));
  }
  checkBackend(json::find(each, "backend"), path + ".backend", errors);
}

void checkRule(const json::Value& rule, const std::string& path, meta::FieldErrors& errors) {
  checkHost(getString(rule, "host"), path + ".host", errors);
  forEachItem(arrayAt(rule, "http.paths"), path + ".http.paths",
              [&](const json::Value& each, const std::string& at) { checkPath(each, at, errors); });
}

void checkClass(const AdmissionRequest& request, meta::FieldErrors& errors) {
  std::string_view name = getString(request.object, "spec.ingressClassName");
  if (name.empty()) return;
  addInvalid("spec.ingressClassName", json::Value(name), meta::checkDns1123Subdomain(name), errors);
  const json::Value* annotation = objectAt(request.object, "metadata.annotations").if_contains(kClassAnnotation);
  if (creates(request) && annotation) {
    errors.push_back(meta::invalidField(fmt::format("metadata.annotations.{}", kClassAnnotation), *annotation,
                                        "can not be set when the class field is also set"));
  }
}

// The newest of the classes that are marked as default; of two of one second the first by name.
meta::ObjectPtr findDefaultIngressClass(const ObjectReader& objects) {
  meta::ObjectPtr found;
  for (const meta::ObjectPtr& candidate : objects.list({"networking.k8s.io", "ingressclasses"}, "")) {
    const auto one = candidate->metadata();
    if (one.annotation(kDefaultClassAnnotation) != "true") continue;
    const bool better =
        !found || one.creationTimestamp() > found->metadata().creationTimestamp() ||
        (one.creationTimestamp() == found->metadata().creationTimestamp() && one.name() < found->metadata().name());
    if (better) found = candidate;
  }
  return found;
}

}  // namespace

void prepareIngress(AdmissionRequest& request) {
  if (!creates(request)) return;
  if (objectAt(request.object, "metadata.annotations").contains(kClassAnnotation)) {
    request.warnings.push_back(
        fmt::format("annotation \"{}\" is deprecated, please use 'spec.ingressClassName' instead", kClassAnnotation));
    return;
  }
  json::Object& spec = json::ensureObject(request.object.as_object(), "spec");
  if (spec.contains("ingressClassName")) return;
  if (auto found = findDefaultIngressClass(request.objects)) spec["ingressClassName"] = found->metadata().name();
}

void validateIngress(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Array& rules = arrayAt(request.object, "spec.rules");
  const json::Value* defaultBackend = json::find(request.object, "spec.defaultBackend");
  if (rules.empty() && !defaultBackend) {
    errors.push_back(meta::invalidField("spec", json::Array(), "either `defaultBackend` or `rules` must be specified"));
  }
  checkBackend(defaultBackend, "spec.defaultBackend", errors);
  forEachItem(rules, "spec.rules",
              [&](const json::Value& rule, const std::string& at) { checkRule(rule, at, errors); });
  forEachItem(arrayAt(request.object, "spec.tls"), "spec.tls", [&](const json::Value& tls, const std::string& at) {
    forEachItem(arrayAt(tls, "hosts"), at + ".hosts", [&](const json::Value& host, const std::string& place) {
      addInvalid(place, host, checkHostName(textOf(host)), errors);
    });
  });
  checkClass(request, errors);
}

void validateIngressClass(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  if (!json::find(request.object, "spec.parameters")) return;
  std::string_view scope = getString(request.object, "spec.parameters.scope");
  std::string_view ns = getString(request.object, "spec.parameters.namespace");
  const std::string path = "spec.parameters";
  if (scope != "Cluster" && scope != "Namespace") {
    errors.push_back(meta::notSupportedField(path + ".scope", json::Value(scope), {"Cluster", "Namespace"}));
  } else if (scope == "Namespace" && ns.empty()) {
    errors.push_back(meta::requiredField(path + ".namespace", "`parameters.scope` is set to 'Namespace'"));
  } else if (scope == "Cluster" && !ns.empty()) {
    errors.push_back(meta::forbiddenField(path + ".namespace", "`parameters.scope` is set to 'Cluster'"));
  }
}

}  // namespace wherry::apiserver

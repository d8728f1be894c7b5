#include "ingress/ingress_classes.h"

#include <algorithm>
#include <array>

#include "meta/status.h"

namespace wherry::ingress {
namespace {

using networking_v1::Ingress;
using networking_v1::IngressClass;

constexpr std::string_view kNginxController = "k8s.io/ingress-nginx";
constexpr std::string_view kServe = "wherry.dev/serve";
constexpr std::string_view kIsDefault = "ingressclass.kubernetes.io/is-default-class";
constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";

bool isDefault(const IngressClass& one) { return one.metadata().annotation(kIsDefault) == "true"; }

// As admission chooses: the newest, of one second the first by name.
const IngressClass* findDefault(const std::vector<IngressClass>& classes) {
  const IngressClass* found = nullptr;
  for (const IngressClass& one : classes) {
    if (!isDefault(one)) continue;
    const auto order = [](const IngressClass& each) { return each.metadata().creationTimestamp(); };
    if (!found || order(one) > order(*found) ||
        (order(one) == order(*found) && one.metadata().name() < found->metadata().name())) {
      found = &one;
    }
  }
  return found;
}

json::Value classObject(std::string_view name, std::string_view controller, bool theDefault) {
  json::Object metadata{{"name", name}};
  if (theDefault) metadata["annotations"] = json::Object{{kIsDefault, "true"}};
  return json::Object{{"apiVersion", "networking.k8s.io/v1"},
                      {"kind", "IngressClass"},
                      {"metadata", std::move(metadata)},
                      {"spec", json::Object{{"controller", controller}}}};
}

}  // namespace

bool isOurs(const IngressClass& ingressClass) {
  const auto metadata = ingressClass.metadata();
  const auto serve = metadata.annotation(kServe), controller = ingressClass.spec().controller();
  if (serve == "false") return false;
  if (controller == kIngressController) return true;
  return controller == kNginxController &&
         (serve == "true" || metadata.label("app.kubernetes.io/name") != "ingress-nginx");
}

std::vector<json::Value> missingClasses(const std::vector<IngressClass>& existing) {
  struct BuiltIn {
    std::string_view name, controller;
  };
  // A manifest that brings one of the last two, with the controller it has elsewhere, can be applied: that field can't
  // be changed.
  constexpr std::array kBuiltIn = {BuiltIn{"wherry", kIngressController}, BuiltIn{"nginx", kNginxController},
                                   BuiltIn{"public", kNginxController}};
  const bool taken = std::any_of(existing.begin(), existing.end(), isDefault);
  std::vector<json::Value> missing;
  for (const BuiltIn& each : kBuiltIn) {
    const bool there = std::any_of(existing.begin(), existing.end(),
                                   [&](const IngressClass& one) { return one.metadata().name() == each.name; });
    if (!there) missing.push_back(classObject(each.name, each.controller, each.name == "wherry" && !taken));
  }
  return missing;
}

void makeMissingClasses(client::Client& client, const std::vector<IngressClass>& existing) {
  for (const json::Value& each : missingClasses(existing)) {
    try {
      client.create(IngressClass::kResource(), "", each);
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;
    }
  }
}

std::string_view classNameOf(const Ingress& ingress) {
  return ingress.spec().hasIngressClassName() ? ingress.spec().ingressClassName()
                                              : ingress.metadata().annotation(kClassAnnotation);
}

Claim claimOn(const Ingress& ingress, const std::vector<IngressClass>& classes) {
  const bool named =
      ingress.spec().hasIngressClassName() || ingress.metadata().annotations().contains(kClassAnnotation);
  const std::string_view name = classNameOf(ingress);
  if (!named) {
    const IngressClass* found = findDefault(classes);
    return found && isOurs(*found) ? Claim::kOurs : Claim::kSomebodyElses;
  }
  const auto found = std::find_if(classes.begin(), classes.end(),
                                  [&](const IngressClass& one) { return one.metadata().name() == name; });
  // An empty name asks for no class at all.
  if (found == classes.end()) return name.empty() ? Claim::kSomebodyElses : Claim::kNobodys;
  return isOurs(*found) ? Claim::kOurs : Claim::kSomebodyElses;
}

}  // namespace wherry::ingress

// Which Ingresses are ours: those of an IngressClass that is. Pure, but for makeMissingClasses.
//
// A class is ours by its controller: `wherry.dev/ingress-controller`, or `k8s.io/ingress-nginx`, since the manifests of
// applications name classes of that one, and bring them. Where ingress-nginx itself is there, what it installs marks
// its class with the label `app.kubernetes.io/name: ingress-nginx`; such a class is left to it. The annotation
// `wherry.dev/serve` ("true", "false") on a class decides before all that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "json/value.h"
#include "views/networking_v1.h"

namespace wherry::ingress {

inline constexpr std::string_view kIngressController = "wherry.dev/ingress-controller";

bool isOurs(const networking_v1::IngressClass& ingressClass);

// Those that a start makes: `wherry`, `nginx` and `public`, without those whose names are taken. `wherry` is the
// default unless another one is. What a user makes of them stays; one that was deleted is there again with the next
// start.
std::vector<json::Value> missingClasses(const std::vector<networking_v1::IngressClass>& existing);
// Makes them. Throws meta::StatusError.
void makeMissingClasses(client::Client& client, const std::vector<networking_v1::IngressClass>& existing);

enum class Claim {
  kOurs,
  kSomebodyElses,
  kNobodys,  // the class it names isn't there
};

// By spec.ingressClassName, else the annotation kubernetes.io/ingress.class. One that has neither is of the default
// class: it was made when there was none.
Claim claimOn(const networking_v1::Ingress& ingress, const std::vector<networking_v1::IngressClass>& classes);
// The class it names; "" when it names none.
std::string_view classNameOf(const networking_v1::Ingress& ingress);

}  // namespace wherry::ingress

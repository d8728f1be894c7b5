#include "apiserver/authorization/signer_check.h"

#include <fmt/format.h>

#include "json/value.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kGroup = "certificates.k8s.io";

bool sameAt(const AdmissionRequest& request, std::string_view path) {
  const auto *before = json::find(*request.old, path), *now = json::find(request.object, path);
  return before && now ? json::equal(*before, *now) : before == now;
}

// What the write is, as a right over the signer; "" when it needs none.
std::string_view verbOf(const AdmissionRequest& request) {
  if (request.subresource == "approval") return "approve";
  if (request.subresource != "status") return {};
  return sameAt(request, "status.certificate") && sameAt(request, "status.conditions") ? "" : "sign";
}

bool may(const Backend& backend, const User& user, std::string_view verb, std::string_view name) {
  Attributes attributes{.verb = std::string(verb), .group = std::string(kGroup), .version = "*", .resource = "signers"};
  attributes.name = name;
  return backend.authorizer(user, attributes).allowed;
}

}  // namespace

void requireMayAnswer(const Backend& backend, const AdmissionRequest& request) {
  const auto& resource = request.kind.resource;
  if (resource.group != kGroup || resource.resource != "certificatesigningrequests") return;
  if (request.operation != Operation::kUpdate) return;
  const auto verb = verbOf(request);
  if (verb.empty()) return;
  const auto signer = json::getString(*request.old, "spec.signerName");
  const auto domain = fmt::format("{}/*", signer.substr(0, signer.find('/')));
  if (may(backend, request.user, verb, signer) || may(backend, request.user, verb, domain)) return;
  throw meta::forbidden(resource.groupResource(), request.name,
                        fmt::format("user not permitted to {} requests with signerName \"{}\"", verb, signer));
}

}  // namespace wherry::apiserver

// The tokens of ServiceAccounts (KEP-1205): JWTs that the API server signs when a TokenRequest asks for one, and takes
// as bearer tokens. A token ends at its time, and with the objects that it is bound to: its ServiceAccount, and a pod,
// a Secret or a node. Safe from any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"
#include "base/clock.h"
#include "json/value.h"
#include "pki/jwt.h"

namespace wherry::apiserver {

inline constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";
// The groups that a user named "system:serviceaccount:<namespace>:<name>" is in by its name; none for other names.
std::vector<std::string> serviceAccountGroups(std::string_view userName);

// How long tokens live, beside what their requests say.
struct TokenLife {
  std::chrono::seconds longest{0};  // a request for more gets this; 0: there is no bound
  // The token that admission puts into every pod is good for a year after all, whatever `longest` says, so that clients
  // that never read the file again don't stop working. What is used after its own time is noted in the audit log.
  bool extended = true;
};

class ServiceAccountTokens {
 public:
  // `issuer` is also the audience of the API server itself, which tokens get that name no other.
  // The first key signs, all verify: a key that is replaced stays among them as long as its tokens live.
  ServiceAccountTokens(const std::vector<std::string>& keysPem, std::string issuer, const ObjectReader& objects,
                       const base::Clock& clock, TokenLife life = {});

  struct Answer {
    json::Value request;  // the TokenRequest with its token in status
    std::string credentialId;
    std::vector<std::string> warnings;
  };
  // Throws NotFound, Conflict, BadRequest, Invalid in Kubernetes' words.
  Answer answer(std::string_view ns, std::string_view name, json::Value request) const;

  struct Verified {
    User user;
    std::vector<std::string> audiences;  // of those that were asked for
    std::string staleness;               // of an extended token after its own time, in upstream's words; else ""
  };
  // Whose token this is; nothing when it is not (or no longer) valid, or meant for none of `audiences`.
  std::optional<Verified> verify(std::string_view token, const std::vector<std::string>& audiences) const;

  const std::string& issuer() const { return issuer_; }
  json::Value keySet() const;  // a JSON Web Key Set (RFC 7517 section 5): how others verify the tokens

 private:
  struct Binding;
  Binding bindingOf(std::string_view ns, std::string_view account, const json::Value& request) const;
  bool isAlive(const meta::GroupResource& resource, std::string_view ns, const json::Value& reference) const;
  bool isBoundToTheLiving(const json::Value& binding) const;

  std::optional<std::string> signedClaims(std::string_view token) const;

  std::vector<pki::JwtKey> keys_;
  std::string issuer_;
  const ObjectReader& objects_;
  const base::Clock& clock_;
  const TokenLife life_;
};

}  // namespace wherry::apiserver

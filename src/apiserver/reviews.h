// Review kinds: a question in, the same object with its answer in status out; nothing is stored.
#pragma once

#include <optional>
#include <string_view>

#include "apiserver/backend.h"
#include "apiserver/service_account_tokens.h"
#include "apiserver/written.h"
#include "json/value.h"
#include "schema/kind.h"

namespace wherry::apiserver {

// The answered review; nothing when this kind is no review. Throws BadRequest or Invalid for a question that is none.
std::optional<json::Value> answerReview(const Backend& backend, const schema::Kind& kind, std::string_view ns,
                                        const User& user, const json::Value& review);

// The answered TokenRequest for a ServiceAccount. Throws NotFound, Conflict, BadRequest, Invalid.
ServiceAccountTokens::Answer answerTokenRequest(const Backend& backend, std::string_view ns, std::string_view name,
                                                json::Value request);

}  // namespace wherry::apiserver

// Questions about who may do what: SubjectAccessReview, for oneself and in a namespace, and SelfSubjectRulesReview
// (kubectl auth can-i). Each answers the review with its status.
#pragma once

#include <string_view>

#include "apiserver/backend.h"
#include "json/value.h"

namespace wherry::apiserver {

// Throw Invalid or BadRequest for a question that is none. `ns`: of the request's path.
json::Value reviewOwnAccess(const Backend& backend, std::string_view ns, const User& user, json::Value review);
json::Value reviewAccess(const Backend& backend, std::string_view ns, const User& user, json::Value review);
json::Value reviewOwnRules(const Backend& backend, std::string_view ns, const User& user, json::Value review);

}  // namespace wherry::apiserver

// The static token file of --token-auth-file, in kube-apiserver's form: a line `token,user,uid,"group1,group2"` each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authentication.h"

namespace wherry::main {

// Throws std::runtime_error with the line's number when a line is none of that form. Pure.
std::vector<apiserver::StaticToken> parseTokenFile(std::string_view content);

}  // namespace wherry::main

// Takes secrets out of what goes into a bug report. Pure.
//
// What is taken: the values of Secrets; annotations that hold a former form of the object or a token; every text field
// whose name says that it is a password, token or key, and environment variables so named; private keys, bearer tokens
// and JWTs wherever they stand. In its place stands how long it was. Names, references and everything else stay: a
// report without them is of no use.
#pragma once

#include <string>
#include <string_view>

#include "json/value.h"

namespace wherry::main {

// `kind`: "Secret", ...
json::Value redactObject(json::Value object, std::string_view kind);

// Of any text, such as a log.
std::string redactText(std::string text);

}  // namespace wherry::main

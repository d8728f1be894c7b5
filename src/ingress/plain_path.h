// The one spelling of a path by which routes are found. Pods read many spellings as the same path: "/admin",
// "/%61dmin", "//admin", "/admin;a=b", "/admin%2F", "\admin"; each must come to the route of "/admin", and so to what
// guards it. Pods get what the client wrote, but for what RFC 3986 section 6.2.2 calls the same: "%61" and "..".
//
// Plain is: no parameters (";a=b") at the end of an element, everything decoded but the space ("%20") and "%" ("%25"),
// one "/" where there are several or a backslash. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ingress/config_text.h"
#include "ingress/routing.h"

namespace wherry::ingress {

// A route's path, as requests are compared with it.
std::string plainPath(std::string_view text);
// The same of a regular expression: what is encoded in it stands for the character itself.
std::string plainExpression(std::string_view text);
// As it stands in the requests that pods get: letters, digits and "-._~" are never encoded.
std::string spelledPath(std::string_view text);

// A request's way to its plain path, txn.path. Refused (400) are paths that mean something else decoded than they seem
// to ("..%2F", "..;"), and those that can't be decoded or have control characters in them.
void renderPlainPath(ConfigText& text);

// The words of an ACL: whether the plain path of a request fits.
std::string plainPathWords(const PathMatch& path);
// Whether it fits as the client spelled it: asked before it is cut or replaced.
std::string spelledPathWords(const PathMatch& path);
// PCRE's, for an expression of kRegex.
std::string anchored(std::string_view expression);

}  // namespace wherry::ingress

// Finds places in JSON text without building a tree: what GET, LIST and WATCH need to know of a stored object (labels,
// a selectable field, where its resourceVersion stands) costs a walk over the bytes instead of a parse. Pure.
//
// REQUIRES everywhere: the text is a JSON object that our own serialiser wrote.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::apiserver {

// The raw value of `key` of the object `text` ("\"web\"", "3", "{...}"), pointing into it.
std::optional<std::string_view> findMember(std::string_view text, std::string_view key);
// The same at a dotted path: "spec.nodeName".
std::optional<std::string_view> findPath(std::string_view text, std::string_view dottedPath);

// Calls f(key, raw value) for each member; keys as written, still escaped. Stops when f returns false.
void forEachMember(std::string_view text, const std::function<bool(std::string_view, std::string_view)>& f);

// A raw scalar as text: strings unescaped, numbers and truths as they stand, null "".
std::string scalarText(std::string_view raw);

}  // namespace wherry::apiserver

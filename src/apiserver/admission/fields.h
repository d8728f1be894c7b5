// How hooks read and fill in the fields of an object. Pure.
//
// A field that is added to an object may move all others of that object: copy what is still needed of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"

namespace wherry::apiserver {

// Whether the write makes or changes the object itself, not one of its subresources.
inline bool writesMain(const AdmissionRequest& request) {
  return request.operation != Operation::kDelete && request.subresource.empty();
}
inline bool creates(const AdmissionRequest& request) {
  return request.operation == Operation::kCreate && request.subresource.empty();
}
inline bool updatesMain(const AdmissionRequest& request) { return writesMain(request) && request.old; }

// What stands at a dotted path; an empty one when it is missing or of another type.
const json::Array& arrayAt(const json::Value& root, std::string_view dottedPath);
const json::Array& arrayAt(const json::Object& root, std::string_view dottedPath);
const json::Object& objectAt(const json::Value& root, std::string_view dottedPath);
const json::Object& objectAt(const json::Object& root, std::string_view dottedPath);

// The same in both; missing is the same as missing.
bool sameAt(const json::Value& a, const json::Value& b, std::string_view dottedPath);

// The object at a path of keys, all of whose steps are made when missing.
json::Object& ensurePath(json::Object& root, std::initializer_list<std::string_view> path);
// Sets what is missing, null or an empty text.
void setDefault(json::Object& object, std::string_view key, json::Value value);

// One Invalid for each sentence of `wrong` (meta/names.h).
void addInvalid(const std::string& field, const json::Value& value, const std::vector<std::string>& wrong,
                meta::FieldErrors& errors);

// One Invalid when `holds` is false, as a CEL rule of a custom kind says it: with the type of what stands at the path
// for its value.
void demand(bool holds, const std::string& path, std::string_view type, std::string message, meta::FieldErrors& errors);

// "" for what is no text.
std::string_view textOf(const json::Value& value);

// Calls f(item, path) for each item of the list at `dottedPath`; its path is "<prefix>[0]", ...
template <typename F>
void forEachItem(const json::Array& list, const std::string& path, F&& f) {
  for (size_t i = 0; i < list.size(); ++i) f(list[i], path + "[" + std::to_string(i) + "]");
}

}  // namespace wherry::apiserver

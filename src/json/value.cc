#include "json/value.h"

#include <algorithm>

#include "base/strings.h"

namespace wherry::json {

namespace {

bool equalObjects(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const auto& member) {
    const Value* other = b.if_contains(member.key());
    return other != nullptr && equal(member.value(), *other);
  });
}

bool equalNumbers(const Value& a, const Value& b) {
  if (a.is_double() || b.is_double()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

// The element that one segment of a dotted path names; null when there is none.
const Value* step(const Value& value, std::string_view segment) {
  if (const Object* object = value.if_object()) return object->if_contains(segment);
  const Array* array = value.if_array();
  if (array == nullptr) return nullptr;
  auto index = base::parseInt<size_t>(segment);
  return index && *index < array->size() ? &(*array)[*index] : nullptr;
}

}  // namespace

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return equalNumbers(a, b);
  if (a.kind() != b.kind()) return false;
  if (a.is_object()) return equalObjects(a.get_object(), b.get_object());
  if (!a.is_array()) return a == b;
  const Array& left = a.get_array();
  const Array& right = b.get_array();
  return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin(), equal);
}

const Value* find(const Value& root, std::string_view dottedPath) {
  const Value* at = &root;
  for (std::string_view segment : base::split(dottedPath, '.')) {
    at = step(*at, segment);
    if (at == nullptr) return nullptr;
  }
  return at;
}

const Value* find(const Object& root, std::string_view dottedPath) {
  size_t dot = dottedPath.find('.');
  const Value* first = root.if_contains(dottedPath.substr(0, dot));
  if (first == nullptr || dot == std::string_view::npos) return first;
  return find(*first, dottedPath.substr(dot + 1));
}

namespace {

std::string_view textOr(const Value* value, std::string_view fallback) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : fallback;
}

int64_t intOr(const Value* value, int64_t fallback) {
  if (value == nullptr || !value->is_number()) return fallback;
  boost::json::error_code inexact;
  int64_t number = value->to_number<int64_t>(inexact);
  return inexact ? fallback : number;
}

bool boolOr(const Value* value, bool fallback) {
  return value != nullptr && value->is_bool() ? value->get_bool() : fallback;
}

}  // namespace

std::string_view getString(const Value& root, std::string_view dottedPath, std::string_view fallback) {
  return textOr(find(root, dottedPath), fallback);
}
std::string_view getString(const Object& root, std::string_view dottedPath, std::string_view fallback) {
  return textOr(find(root, dottedPath), fallback);
}
int64_t getInt(const Value& root, std::string_view dottedPath, int64_t fallback) {
  return intOr(find(root, dottedPath), fallback);
}
int64_t getInt(const Object& root, std::string_view dottedPath, int64_t fallback) {
  return intOr(find(root, dottedPath), fallback);
}
bool getBool(const Value& root, std::string_view dottedPath, bool fallback) {
  return boolOr(find(root, dottedPath), fallback);
}
bool getBool(const Object& root, std::string_view dottedPath, bool fallback) {
  return boolOr(find(root, dottedPath), fallback);
}

size_t approximateBytes(const Value& value) {
  size_t bytes = sizeof(Value);
  if (const Object* object = value.if_object()) {
    for (const auto& member : *object) bytes += member.key().size() + approximateBytes(member.value());
  } else if (const Array* array = value.if_array()) {
    for (const Value& element : *array) bytes += approximateBytes(element);
  } else if (value.is_string()) {
    bytes += value.get_string().size();
  }
  return bytes;
}

Object& ensureObject(Object& parent, std::string_view key) {
  Value& value = parent[key];
  return value.is_null() ? value.emplace_object() : value.as_object();
}

Array& ensureArray(Object& parent, std::string_view key) {
  Value& value = parent[key];
  return value.is_null() ? value.emplace_array() : value.as_array();
}

}  // namespace wherry::json

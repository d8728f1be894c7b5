#include "meta/toleration.h"

#include <algorithm>

namespace wherry::meta {

namespace {

std::string_view textAt(const json::Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool isSame(const json::Object& a, const json::Object& b, std::string_view key) {
  return textAt(a, key) == textAt(b, key);
}

}  // namespace

bool tolerates(const json::Object& toleration, const json::Object& taint) {
  for (const auto key : {"effect", "key"}) {
    if (!textAt(toleration, key).empty() && !isSame(toleration, taint, key)) return false;
  }
  return textAt(toleration, "operator") == "Exists" || isSame(toleration, taint, "value");
}

bool toleratesAny(const json::Array& tolerations, const json::Object& taint) {
  return std::any_of(tolerations.begin(), tolerations.end(), [&](const json::Value& toleration) {
    return toleration.is_object() && tolerates(toleration.get_object(), taint);
  });
}

}  // namespace wherry::meta

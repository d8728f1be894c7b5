#include "apiserver/admission/fields.h"

namespace wherry::apiserver {
namespace {

const json::Array& asArray(const json::Value* value) {
  static const json::Array kNone;
  return value && value->is_array() ? value->get_array() : kNone;
}

const json::Object& asObject(const json::Value* value) {
  static const json::Object kNone;
  return value && value->is_object() ? value->get_object() : kNone;
}

}  // namespace

const json::Array& arrayAt(const json::Value& root, std::string_view path) { return asArray(json::find(root, path)); }
const json::Array& arrayAt(const json::Object& root, std::string_view path) { return asArray(json::find(root, path)); }
const json::Object& objectAt(const json::Value& root, std::string_view path) {
  return asObject(json::find(root, path));
}
const json::Object& objectAt(const json::Object& root, std::string_view path) {
  return asObject(json::find(root, path));
}

bool sameAt(const json::Value& a, const json::Value& b, std::string_view path) {
  const json::Value *left = json::find(a, path), *right = json::find(b, path);
  return left && right ? json::equal(*left, *right) : left == right;
}

json::Object& ensurePath(json::Object& root, std::initializer_list<std::string_view> path) {
  json::Object* at = &root;
  for (std::string_view step : path) at = &json::ensureObject(*at, step);
  return *at;
}

void setDefault(json::Object& object, std::string_view key, json::Value value) {
  if (json::Value* there = object.if_contains(key); there && !there->is_null() && *there != json::Value("")) return;
  object[key] = std::move(value);
}

void addInvalid(const std::string& field, const json::Value& value, const std::vector<std::string>& wrong,
                meta::FieldErrors& errors) {
  for (const std::string& why : wrong) errors.push_back(meta::invalidField(field, value, why));
}

void demand(bool holds, const std::string& path, std::string_view type, std::string message,
            meta::FieldErrors& errors) {
  if (!holds) errors.push_back(meta::invalidField(path, json::Value(type), std::move(message)));
}

std::string_view textOf(const json::Value& value) {
  return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
}

}  // namespace wherry::apiserver

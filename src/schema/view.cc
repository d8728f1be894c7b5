#include "schema/view.h"

namespace wherry::schema {
namespace {

const json::Object kNoFields;
const json::Array kNoItems;

}  // namespace

const json::Value* View::field(std::string_view key) const {
  const json::Value* value = object_ ? object_->if_contains(key) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}

const json::Object& View::tree() const { return object_ ? *object_ : kNoFields; }

std::string_view View::text(std::string_view key) const {
  const json::Value* value = field(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

int64_t View::integer(std::string_view key, int64_t fallback) const {
  const json::Value* value = field(key);
  if (!value) return fallback;
  boost::system::error_code error;
  auto result = value->to_number<int64_t>(error);
  return error ? fallback : result;
}

double View::number(std::string_view key) const {
  const json::Value* value = field(key);
  return value && value->is_number() ? value->to_number<double>() : 0;
}

bool View::boolean(std::string_view key, bool fallback) const {
  const json::Value* value = field(key);
  return value && value->is_bool() ? value->get_bool() : fallback;
}

const json::Object& View::object(std::string_view key) const {
  const json::Value* value = field(key);
  return value && value->is_object() ? value->get_object() : kNoFields;
}

const json::Array& View::array(std::string_view key) const {
  const json::Value* value = field(key);
  return value && value->is_array() ? value->get_array() : kNoItems;
}

std::string_view StringMap::get(std::string_view key) const {
  const json::Value* value = object_->if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace wherry::schema

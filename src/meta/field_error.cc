#include "base/strings.h"
#include "meta/status.h"

namespace wherry::meta {
namespace {

struct CauseWords {
  std::string_view reason;
  std::string_view phrase;
};

// In the order of CauseType.
constexpr CauseWords kCauseWords[] = {
    {"FieldValueNotFound", "Not found"},
    {"FieldValueRequired", "Required value"},
    {"FieldValueDuplicate", "Duplicate value"},
    {"FieldValueInvalid", "Invalid value"},
    {"FieldValueNotSupported", "Unsupported value"},
    {"FieldValueForbidden", "Forbidden"},
    {"FieldValueTooLong", "Too long"},
    {"FieldValueTooMany", "Too many"},
    {"FieldValueTypeInvalid", "Invalid value"},
    {"InternalError", "Internal error"},
};

const CauseWords& wordsOf(CauseType type) { return kCauseWords[static_cast<size_t>(type)]; }

}  // namespace

std::string_view FieldError::reason() const { return wordsOf(type).reason; }

std::string FieldError::message() const {
  std::string text(wordsOf(type).phrase);
  if (!badValue.empty()) text += ": " + badValue;
  if (!detail.empty()) text += ": " + detail;
  return text;
}

FieldError requiredField(std::string field, std::string detail) {
  return {CauseType::kFieldValueRequired, std::move(field), "", std::move(detail)};
}

FieldError invalidField(std::string field, const json::Value& value, std::string detail) {
  return {CauseType::kFieldValueInvalid, std::move(field), json::serialize(value), std::move(detail)};
}

FieldError notSupportedField(std::string field, const json::Value& value, const std::vector<std::string>& supported) {
  std::vector<std::string> quoted;
  for (const std::string& each : supported) quoted.push_back(json::serialize(json::Value(each)));
  std::string detail = supported.empty() ? "" : "supported values: " + base::join(quoted, ", ");
  return {CauseType::kFieldValueNotSupported, std::move(field), json::serialize(value), std::move(detail)};
}

FieldError duplicateField(std::string field, const json::Value& value) {
  return {CauseType::kFieldValueDuplicate, std::move(field), json::serialize(value), ""};
}

FieldError forbiddenField(std::string field, std::string detail) {
  return {CauseType::kFieldValueForbidden, std::move(field), "", std::move(detail)};
}

FieldError notFoundField(std::string field, const json::Value& value) {
  return {CauseType::kFieldValueNotFound, std::move(field), json::serialize(value), ""};
}

FieldError tooLongField(std::string field, size_t maxBytes) {
  return {CauseType::kFieldValueTooLong, std::move(field), "",
          "may not be more than " + std::to_string(maxBytes) + " bytes"};
}

FieldError tooManyField(std::string field, size_t actual, size_t max) {
  return {CauseType::kFieldValueTooMany, std::move(field), std::to_string(actual),
          "must have at most " + std::to_string(max) + " item" + (max == 1 ? "" : "s")};
}

FieldError typeInvalidField(std::string field, const json::Value& value, std::string detail) {
  return {CauseType::kFieldValueTypeInvalid, std::move(field), json::serialize(value), std::move(detail)};
}

}  // namespace wherry::meta

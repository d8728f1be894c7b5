#include "schema/value_rules.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "schema/formats.h"
#include "schema/patterns.h"

namespace wherry::schema {
namespace {

// A custom kind's rule is worded as the OpenAPI validator does ("spec.size in body should be ..."), a built-in one's as
// Kubernetes' own validation ("must be ...").
std::string sentence(const Node& node, const ObjectPath& path, const std::string& rule) {
  return node.builtin ? "must " + rule : path.text() + " in body should " + rule;
}

size_t characters(std::string_view text) {  // of UTF-8: every byte that does not continue one
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

bool allowed(const Node& node, const json::Value& value) {
  if (node.builtin && value.is_string() && value.get_string().empty()) return true;  // as if it were missing
  return std::ranges::any_of(node.enumValues, [&](const json::Value& each) { return json::equal(each, value); });
}

void checkEnum(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors) {
  if (node.enumValues.empty() || allowed(node, value)) return;
  std::vector<std::string> supported;
  for (const json::Value& each : node.enumValues) {
    supported.push_back(each.is_string() ? std::string(each.get_string()) : json::serialize(each));
  }
  errors.push_back(meta::notSupportedField(path.text(), value, supported));
}

void checkText(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors) {
  std::string_view text = value.get_string();
  if (node.builtin && text.empty()) return;
  auto invalid = [&](const std::string& rule) {
    errors.push_back(meta::invalidField(path.text(), value, sentence(node, path, rule)));
  };
  if (node.maxLength && characters(text) > static_cast<size_t>(*node.maxLength)) {
    errors.push_back(meta::tooLongField(path.text(), static_cast<size_t>(*node.maxLength)));
  }
  if (node.minLength && characters(text) < static_cast<size_t>(*node.minLength)) {
    invalid(fmt::format("be at least {} chars long", *node.minLength));
  }
  if (!node.pattern.empty() && !matchesPattern(node.pattern, text)) invalid(fmt::format("match '{}'", node.pattern));
  if (!node.builtin && !hasFormat(node.format, text)) {
    errors.push_back(meta::invalidField(
        path.text(), value, fmt::format("{} in body must be of type {}: \"{}\"", path.text(), node.format, text)));
  }
}

void checkNumber(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors) {
  double number = value.to_number<double>();
  auto invalid = [&](const std::string& rule) {
    errors.push_back(meta::invalidField(path.text(), value, sentence(node, path, "be " + rule)));
  };
  if (node.minimum && (node.exclusiveMinimum ? number <= *node.minimum : number < *node.minimum)) {
    invalid(fmt::format("greater than {}{}", node.exclusiveMinimum ? "" : "or equal to ", *node.minimum));
  }
  if (node.maximum && (node.exclusiveMaximum ? number >= *node.maximum : number > *node.maximum)) {
    invalid(fmt::format("less than {}{}", node.exclusiveMaximum ? "" : "or equal to ", *node.maximum));
  }
  if (node.multipleOf && *node.multipleOf != 0 && std::remainder(number, *node.multipleOf) != 0) {
    invalid(fmt::format("a multiple of {}", *node.multipleOf));
  }
}

void checkItemCount(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors) {
  const size_t size = value.get_array().size();
  if (node.maxItems && size > static_cast<size_t>(*node.maxItems)) {
    errors.push_back(meta::tooManyField(path.text(), size, static_cast<size_t>(*node.maxItems)));
  }
  if (node.minItems && size < static_cast<size_t>(*node.minItems)) {
    std::string rule = fmt::format("have at least {} items", *node.minItems);
    errors.push_back(meta::invalidField(path.text(), value, sentence(node, path, rule)));
  }
}

void checkFieldCount(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors) {
  const size_t size = value.get_object().size();
  if (node.maxProperties && size > static_cast<size_t>(*node.maxProperties)) {
    errors.push_back(meta::tooManyField(path.text(), size, static_cast<size_t>(*node.maxProperties)));
  }
  if (node.minProperties && size < static_cast<size_t>(*node.minProperties)) {
    std::string rule = fmt::format("have at least {} properties", *node.minProperties);
    errors.push_back(meta::invalidField(path.text(), value, sentence(node, path, rule)));
  }
}

}  // namespace

void checkValue(const Node& node, const json::Value& value, const ObjectPath& path, meta::FieldErrors& errors) {
  checkEnum(node, value, path, errors);
  if (value.is_string()) {
    checkText(node, value, path, errors);
  } else if (value.is_number()) {
    checkNumber(node, value, path, errors);
  } else if (value.is_array()) {
    checkItemCount(node, value, path, errors);
  } else if (value.is_object()) {
    checkFieldCount(node, value, path, errors);
  }
}

}  // namespace wherry::schema

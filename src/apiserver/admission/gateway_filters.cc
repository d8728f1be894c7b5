#include "apiserver/admission/gateway_filters.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"

namespace wherry::apiserver {
namespace {

using json::getString;

// Each type of filter, and the field that says the rest.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes = {
    {{"CORS", "cors"},
     {"RequestHeaderModifier", "requestHeaderModifier"},
     {"ResponseHeaderModifier", "responseHeaderModifier"},
     {"RequestMirror", "requestMirror"},
     {"RequestRedirect", "requestRedirect"},
     {"URLRewrite", "urlRewrite"},
     {"ExtensionRef", "extensionRef"}}};

constexpr std::array<std::string_view, 5> kOnce = {"CORS", "RequestHeaderModifier", "ResponseHeaderModifier",
                                                   "RequestRedirect", "URLRewrite"};

auto count(const json::Array& filters, std::string_view type) {
  return std::ranges::count_if(filters, [&](const json::Value& each) { return getString(each, "type") == type; });
}

void checkType(const json::Value& filter, const std::string& at, meta::FieldErrors& errors) {
  for (const auto& [type, field] : kTypes) {
    const bool has = json::find(filter, field) != nullptr, is = getString(filter, "type") == type;
    demand(!has || is, at, "object", fmt::format("filter.{} must be nil if the filter.type is not {}", field, type),
           errors);
    demand(has || !is, at, "object", fmt::format("filter.{} must be specified for {} filter.type", field, type),
           errors);
  }
}

void checkPathModifier(const json::Value* path, const std::string& at, meta::FieldErrors& errors) {
  if (!path) return;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kModifiers = {
      {{"ReplaceFullPath", "replaceFullPath"}, {"ReplacePrefixMatch", "replacePrefixMatch"}}};
  for (const auto& [type, field] : kModifiers) {
    const bool has = json::find(*path, field) != nullptr, is = getString(*path, "type") == type;
    demand(has || !is, at, "object", fmt::format("{} must be specified when type is set to '{}'", field, type), errors);
    demand(!has || is, at, "object", fmt::format("type must be '{}' when {} is set", type, field), errors);
  }
}

void checkMirror(const json::Value* mirror, const std::string& at, meta::FieldErrors& errors) {
  if (!mirror) return;
  const json::Value *percent = json::find(*mirror, "percent"), *fraction = json::find(*mirror, "fraction");
  demand(!percent || !fraction, at, "object",
         "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter", errors);
  demand(!fraction || json::getInt(*fraction, "numerator") <= json::getInt(*fraction, "denominator"), at + ".fraction",
         "object", "numerator must be less than or equal to denominator", errors);
  if (const json::Value* backend = json::find(*mirror, "backendRef"))
    checkBackendPort(*backend, at + ".backendRef", errors);
}

void checkCors(const json::Value& filter, const std::string& at, meta::FieldErrors& errors) {
  constexpr std::array<std::array<std::string_view, 3>, 3> kLists = {{{"allowOrigins", "AllowOrigins", "origins"},
                                                                      {"allowMethods", "AllowMethods", "methods"},
                                                                      {"allowHeaders", "AllowHeaders", "methods"}}};
  for (const auto& [field, name, others] : kLists) {
    const json::Array& list = arrayAt(filter, fmt::format("cors.{}", field));
    const bool any = std::ranges::any_of(list, [](const json::Value& each) { return textOf(each) == "*"; });
    demand(!any || list.size() == 1, fmt::format("{}.cors.{}", at, field), "array",
           fmt::format("{} cannot contain '*' alongside other {}", name, others), errors);
  }
}

}  // namespace

void checkBackendPort(const json::Value& reference, const std::string& path, meta::FieldErrors& errors) {
  const bool service = getString(reference, "group").empty() && getString(reference, "kind") == "Service";
  demand(!service || json::find(reference, "port"), path, "object", "Must have port for Service reference", errors);
}

void checkFilters(const json::Array& filters, const std::string& path, meta::FieldErrors& errors) {
  demand(count(filters, "RequestRedirect") == 0 || count(filters, "URLRewrite") == 0, path, "array",
         "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both", errors);
  for (const std::string_view type : kOnce) {
    demand(count(filters, type) <= 1, path, "array", fmt::format("{} filter cannot be repeated", type), errors);
  }
  forEachItem(filters, path, [&](const json::Value& filter, const std::string& at) {
    checkType(filter, at, errors);
    checkPathModifier(json::find(filter, "requestRedirect.path"), at + ".requestRedirect.path", errors);
    checkPathModifier(json::find(filter, "urlRewrite.path"), at + ".urlRewrite.path", errors);
    checkMirror(json::find(filter, "requestMirror"), at + ".requestMirror", errors);
    checkCors(filter, at, errors);
  });
}

}  // namespace wherry::apiserver

#include "apiserver/authorization/attributes.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kMark = "?fieldSelector=";

}  // namespace

std::string_view fieldSelectorOf(const Attributes& attributes) {
  std::string_view path = attributes.path;
  return attributes.isResource && path.starts_with(kMark) ? path.substr(kMark.size()) : std::string_view();
}

void setFieldSelector(Attributes& attributes, std::string_view selector) {
  attributes.path.assign(kMark).append(selector);
}

}  // namespace wherry::apiserver

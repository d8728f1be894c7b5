#include "ingress/config_text.h"

#include "base/strings.h"

namespace wherry::ingress {
namespace {

Origin parseAbout(std::string_view line) {
  size_t space = line.find(' ', 2), slash = line.find('/');
  if (space == std::string_view::npos || slash == std::string_view::npos || slash < space) return {};
  return {std::string(line.substr(2, space - 2)), std::string(line.substr(space + 1, slash - space - 1)),
          std::string(line.substr(slash + 1))};
}

}  // namespace

Origin originOf(std::string_view configuration, int number) {
  Origin origin;
  for (std::string_view line : base::split(configuration, '\n')) {
    if (line.starts_with("# ")) origin = parseAbout(line);
    if (--number <= 0) break;
  }
  return origin;
}

}  // namespace wherry::ingress

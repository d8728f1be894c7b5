#include "cli/doctor/phrases.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::cli {

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string listed(const std::vector<std::string>& texts) {
  constexpr size_t kShown = 5;
  std::vector<std::string> shown(texts.begin(), texts.begin() + static_cast<long>(std::min(texts.size(), kShown)));
  std::string text = base::join(shown, ", ");
  return texts.size() > kShown ? fmt::format("{} and {} more", text, texts.size() - kShown) : text;
}

bool isIpv6(std::string_view address) { return address.find(':') != std::string_view::npos; }

std::string atPort(std::string_view address, int64_t port) {
  return isIpv6(address) ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

}  // namespace wherry::cli

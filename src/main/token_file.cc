#include "main/token_file.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::main {
namespace {

// A CSV line's fields; a quoted one may hold commas. Nothing when a quote is left open.
std::optional<std::vector<std::string>> splitCsv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return quoted ? std::nullopt : std::optional(std::move(fields));
}

}  // namespace

std::vector<apiserver::StaticToken> parseTokenFile(std::string_view content) {
  std::vector<apiserver::StaticToken> tokens;
  size_t number = 0;
  for (std::string_view line : base::split(content, '\n')) {
    ++number;
    line = base::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto fields = splitCsv(line);
    if (!fields || fields->size() < 3 || (*fields)[0].empty() || (*fields)[1].empty()) {
      throw std::runtime_error(fmt::format("line {}: not of the form token,user,uid,\"group1,group2\"", number));
    }
    apiserver::StaticToken token{(*fields)[0], {(*fields)[1], {}, (*fields)[2]}};
    fields->resize(std::max<size_t>(fields->size(), 4));
    for (std::string_view group : base::split((*fields)[3], ',')) {
      if (!base::trim(group).empty()) token.user.groups.emplace_back(base::trim(group));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace wherry::main

#include "ingress/gateway_matches.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/strings.h"
#include "schema/patterns.h"

namespace wherry::ingress {
namespace {

constexpr std::string_view kExpression = "RegularExpression";

// Why a match is none.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string expression(std::string_view text) {
  if (!schema::isPattern(std::string(text))) {
    throw Unsupported(fmt::format("\"{}\" is no regular expression that is understood here", text));
  }
  return std::string(text);
}

// As the model has them: of the whole path, with case distinguished.
PathMatch pathExpression(std::string_view text) {
  return {PathMatch::Kind::kRegex, fmt::format("(?-i:{})$", expression(text))};
}

PathMatch pathMatch(const json::Value* path) {
  if (!path) return {};
  std::string_view value = json::getString(*path, "value"), type = json::getString(*path, "type");
  if (type == kExpression) return pathExpression(value);
  if (value.find(';') != std::string_view::npos) {
    throw Unsupported(fmt::format("path \"{}\" has a \";\": what follows one in a request isn't looked at", value));
  }
  if (type == "Exact") return {PathMatch::Kind::kExact, std::string(value)};
  while (value.size() > 1 && value.ends_with('/')) value.remove_suffix(1);  // says nothing
  return {PathMatch::Kind::kPrefix, std::string(value)};
}

// `match`: an HTTPHeaderMatch, GRPCHeaderMatch or HTTPQueryParamMatch. Of equal names only the first counts.
template <typename Match>
void addValue(const Match& match, ValueMatch::Of of, std::vector<ValueMatch>& values) {
  const bool header = of == ValueMatch::Of::kHeader;
  std::string name = header ? base::toLower(match.name()) : std::string(match.name());
  auto same = [&](const ValueMatch& other) { return other.of == of && other.name == name; };
  if (std::ranges::any_of(values, same)) return;
  const bool isExpression = match.type() == kExpression;
  values.push_back({of, isExpression ? ValueMatch::How::kRegex : ValueMatch::How::kExact, std::move(name),
                    isExpression ? expression(match.value()) : std::string(match.value())});
}

// gRPC over HTTP/2: the path of a call is "/" service "/" method.
PathMatch methodMatch(const gateway_v1::GRPCMethodMatch& match) {
  const std::string service(match.service()), method(match.method());
  constexpr std::string_view kAny = "[^/]+";
  if (match.type() == kExpression) {
    return pathExpression(fmt::format("/{}/{}", service.empty() ? kAny : fmt::format("(?:{})", expression(service)),
                                      method.empty() ? kAny : fmt::format("(?:{})", expression(method))));
  }
  if (method.empty()) return {PathMatch::Kind::kPrefix, "/" + service};
  if (service.empty()) return pathExpression(fmt::format("/{}/{}", kAny, method));
  return {PathMatch::Kind::kExact, fmt::format("/{}/{}", service, method)};
}

RequestMatch httpMatch(const gateway_v1::HTTPRouteMatch& match) {
  RequestMatch compiled{pathMatch(match.path()), {}};
  compiled.conditions.method = match.method();
  for (const auto each : match.headers()) addValue(each, ValueMatch::Of::kHeader, compiled.conditions.values);
  for (const auto each : match.queryParams()) addValue(each, ValueMatch::Of::kQuery, compiled.conditions.values);
  return compiled;
}

RequestMatch grpcMatch(const gateway_v1::GRPCRouteMatch& match) {
  RequestMatch compiled{methodMatch(match.method()), {}};
  for (const auto each : match.headers()) addValue(each, ValueMatch::Of::kHeader, compiled.conditions.values);
  return compiled;
}

template <typename Match>
std::variant<RequestMatch, std::string> compile(RequestMatch (*read)(const Match&), const Match& match) {
  try {
    return read(match);
  } catch (const Unsupported& error) {
    return std::string(error.what());
  }
}

}  // namespace

std::variant<RequestMatch, std::string> compileMatch(const gateway_v1::HTTPRouteMatch& match) {
  return compile(httpMatch, match);
}

std::variant<RequestMatch, std::string> compileMatch(const gateway_v1::GRPCRouteMatch& match) {
  return compile(grpcMatch, match);
}

}  // namespace wherry::ingress

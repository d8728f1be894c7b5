#include "ingress/route_table.h"

#include <array>

#include <gtest/gtest.h>

#include "base/strings.h"

namespace wherry::ingress {
namespace {

// "host path [condition...]" a line: the path is exact with "=" before it, by characters with "~", a regular expression
// with "^"; conditions are "GET", "header", "query", "10%", "ahead".
std::vector<Route> routesOf(std::string_view text, bool anyDepth = false) {
  std::vector<Route> routes;
  for (std::string_view line : base::split(text, '\n')) {
    if (line.empty()) continue;
    auto words = base::split(line, ' ');
    Route route;
    route.host = {words[0] == "-" ? "" : std::string(words[0]), anyDepth};
    std::string_view path = words[1];
    if (!path.starts_with('/')) {
      using Kind = PathMatch::Kind;
      route.path.kind = path[0] == '=' ? Kind::kExact : path[0] == '~' ? Kind::kStart : Kind::kRegex;
      path.remove_prefix(1);
    }
    route.path.text = path;
    for (size_t i = 2; i < words.size(); ++i) {
      if (words[i] == "GET") route.conditions.method = "GET";
      if (words[i] == "header") route.conditions.values.push_back({ValueMatch::Of::kHeader, {}, "X", "x"});
      if (words[i] == "query") route.conditions.values.push_back({ValueMatch::Of::kQuery, {}, "q", "x"});
      if (words[i] == "10%") route.conditions.part = 10, route.conditions.total = 100;
      if (words[i] == "ahead") route.conditions.isAhead = true;
    }
    routes.push_back(route);
  }
  return routes;
}

std::string text(const std::vector<RouteIndex>& routes) {
  std::string text;
  for (RouteIndex route : routes) text += (text.empty() ? "" : " ") + std::to_string(route);
  return text;
}

// "named exact a/x: 1 0" a line.
std::string tableOf(const std::vector<Route>& routes) {
  std::string result;
  for (const RouteLevel& level : tabulate(routes)) {
    constexpr std::array kNames = {"named", "one label", "any depth", "all"};
    std::string name = kNames.at(static_cast<size_t>(level.level));
    for (const auto& [key, leaf] : level.exact) result += name + " exact " + key + ": " + text(leaf.routes) + "\n";
    for (const auto& [key, leaf] : level.prefix) result += name + " prefix " + key + ": " + text(leaf.routes) + "\n";
    for (const auto& [host, list] : level.listed) result += name + " listed " + host + ": " + text(list) + "\n";
  }
  return result;
}

TEST(RouteTable, KeysAreHostAndPath) {
  EXPECT_EQ(tableOf(routesOf(R"(
a.com /
a.com /foo/
a.com =/foo
a.com ~/bar
*.b.com /x
- /
)")),
            R"(named exact a.com/foo: 2
named prefix a.com/: 0
named prefix a.com/bar: 3
named prefix a.com/foo/: 1
one label prefix *.b.com/x/: 4
all prefix /: 5
)");
}

TEST(RouteTable, TheOldestOfEqualRoutesWins) {
  EXPECT_EQ(tableOf(routesOf("a.com /x\na.com /x/\n")), "named prefix a.com/x/: 0\n");
}

TEST(RouteTable, WhereConditionsMayFailTheNextBestFollows) {
  EXPECT_EQ(tableOf(routesOf(R"(
a.com /
a.com /x 10% ahead
a.com /x header
a.com /x GET query
a.com /x header query
a.com =/x query
)")),
            R"(named exact a.com/x: 5 3 4 2 1 0
named prefix a.com/: 0
named prefix a.com/x/: 3 4 2 1 0
)");
}

TEST(RouteTable, APartIsTakenInItsOrderUnlessItIsAhead) {
  EXPECT_EQ(tableOf(routesOf("a.com /x 10%\na.com /x\na.com /x 10%\n")), "named prefix a.com/x/: 0 1\n");
  EXPECT_EQ(tableOf(routesOf("a.com /x\na.com /x 10%\na.com /x 10% ahead\n")), "named prefix a.com/x/: 2 0\n");
}

TEST(RouteTable, AShorterPathIsAskedOnlyWhereItIsOne) {
  EXPECT_EQ(tableOf(routesOf(R"(
a.com /x header
a.com /xy header
a.com ~/x query
)")),
            R"(named prefix a.com/x: 2
named prefix a.com/x/: 0 2
named prefix a.com/xy/: 1 2
)");
}

TEST(RouteTable, AWildcardOfAnyDepthHasTheRoutesOfWiderOnes) {
  EXPECT_EQ(tableOf(routesOf(R"(
*.com /
*.a.com /x
*.ba.com /y
)",
                             true)),
            R"(any depth prefix *.a.com/: 0
any depth prefix *.a.com/x/: 1
any depth prefix *.ba.com/: 0
any depth prefix *.ba.com/y/: 2
any depth prefix *.com/: 0
)");
}

TEST(RouteTable, HostsWithExpressionsAreLookedAtRouteByRoute) {
  EXPECT_EQ(tableOf(routesOf(R"(
a.com /
a.com ^/x(/|$)(.*)
a.com =/x
b.com /
)")),
            R"(named prefix b.com/: 3
named listed a.com: 2 1 0
)");
}

}  // namespace
}  // namespace wherry::ingress

#include "ingress/route_table.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "ingress/plain_path.h"

namespace wherry::ingress {
namespace {

using Kind = PathMatch::Kind;

HostLevel levelOf(const HostPattern& host) {
  if (host.name.empty()) return HostLevel::kAll;
  if (!host.name.starts_with("*.")) return HostLevel::kNamed;
  return host.anyDepth ? HostLevel::kAnyDepth : HostLevel::kOneLabel;
}

// "/foo/" and "/foo" are the same prefix by elements.
std::string prefixText(const PathMatch& path) {
  if (path.kind == Kind::kRegex) return path.text;
  std::string text = plainPath(path.text);
  if (path.kind != Kind::kPrefix) return text;
  while (text.ends_with('/')) text.pop_back();
  return text + '/';
}

// Whether the route is meant too by what the key of `leaf` finds.
bool covers(const PathMatch& route, const PathMatch& leaf) {
  if (route.kind == Kind::kExact) return leaf.kind == Kind::kExact && plainPath(route.text) == plainPath(leaf.text);
  std::string of = leaf.kind == Kind::kExact ? plainPath(leaf.text) + "/" : prefixText(leaf);
  return of.starts_with(prefixText(route));
}

// The routes of some hosts of one level, the most specific host first.
class Hosts {
 public:
  explicit Hosts(const std::vector<Route>& routes) : routes_(routes) {}

  void add(RouteIndex route) { members_.push_back(route); }
  bool hasRegex() const {
    return std::any_of(members_.begin(), members_.end(), [&](RouteIndex i) { return path(i).kind == Kind::kRegex; });
  }
  std::vector<RouteIndex> all() const { return sorted(members_); }

  void tabulate(const std::string& host, RouteLevel& level) const {
    for (RouteIndex at : members_) {
      const PathMatch& own = path(at);
      auto& keys = own.kind == Kind::kExact ? level.exact : level.prefix;
      auto [leaf, isNew] = keys.try_emplace(host + prefixText(own));
      if (isNew) leaf->second = leafOf(own);
    }
  }

 private:
  const PathMatch& path(RouteIndex at) const { return routes_[at].path; }

  Leaf leafOf(const PathMatch& key) const {
    std::vector<RouteIndex> meant;
    std::copy_if(members_.begin(), members_.end(), std::back_inserter(meant),
                 [&](RouteIndex at) { return covers(path(at), key); });
    Leaf leaf{sorted(std::move(meant))};
    auto last = std::find_if(leaf.routes.begin(), leaf.routes.end(),
                             [&](RouteIndex at) { return routes_[at].conditions.always(); });
    if (last != leaf.routes.end()) leaf.routes.erase(std::next(last), leaf.routes.end());
    return leaf;
  }

  // Smaller is better: as Route's comment has it.
  auto rank(RouteIndex at) const {
    const Route& route = routes_[at];
    auto headers = std::count_if(route.conditions.values.begin(), route.conditions.values.end(),
                                 [](const ValueMatch& value) { return value.of == ValueMatch::Of::kHeader; });
    auto values = static_cast<ptrdiff_t>(route.conditions.values.size());
    return std::tuple(-static_cast<ptrdiff_t>(route.host.name.size()), path(at).kind != Kind::kExact,
                      -static_cast<ptrdiff_t>(prefixText(path(at)).size()), route.conditions.method.empty(), -headers,
                      headers - values, !route.conditions.isAhead, at);
  }
  std::vector<RouteIndex> sorted(std::vector<RouteIndex> routes) const {
    std::sort(routes.begin(), routes.end(), [&](RouteIndex a, RouteIndex b) { return rank(a) < rank(b); });
    return routes;
  }

  const std::vector<Route>& routes_;
  std::vector<RouteIndex> members_;
};

bool isWithin(std::string_view host, std::string_view wildcard) { return host.ends_with(wildcard.substr(1)); }

RouteLevel tabulate(const std::vector<Route>& routes, HostLevel level) {
  RouteLevel table{.level = level};
  std::map<std::string, Hosts> hosts;
  for (const Route& route : routes) {
    if (levelOf(route.host) == level) hosts.try_emplace(route.host.name, routes);
  }
  for (RouteIndex at = 0; at < routes.size(); ++at) {
    if (levelOf(routes[at].host) != level) continue;
    if (level != HostLevel::kAnyDepth) {
      hosts.at(routes[at].host.name).add(at);
      continue;
    }
    for (auto& [name, members] : hosts) {
      if (isWithin(name, routes[at].host.name)) members.add(at);
    }
  }
  for (const auto& [name, members] : hosts) {
    if (level == HostLevel::kAnyDepth) table.hosts.push_back(name);
    if (members.hasRegex()) {
      table.listed.emplace(name, members.all());
    } else {
      members.tabulate(name, table);
    }
  }
  std::sort(table.hosts.begin(), table.hosts.end(),
            [](const std::string& a, const std::string& b) { return std::pair(b.size(), a) < std::pair(a.size(), b); });
  return table;
}

}  // namespace

std::vector<RouteLevel> tabulate(const std::vector<Route>& routes) {
  std::vector<RouteLevel> levels;
  for (HostLevel level : {HostLevel::kNamed, HostLevel::kOneLabel, HostLevel::kAnyDepth, HostLevel::kAll}) {
    bool isUsed = std::any_of(routes.begin(), routes.end(), [&](const Route& r) { return levelOf(r.host) == level; });
    if (isUsed) levels.push_back(tabulate(routes, level));
  }
  return levels;
}

}  // namespace wherry::ingress

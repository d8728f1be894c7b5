#include "ingress/ingress_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/annotation_values.h"
#include "ingress/ingress_backends.h"
#include "ingress/ingress_paths.h"
#include "ingress/plain_path.h"

namespace wherry::ingress {
namespace {

using networking_v1::HTTPIngressPath;

std::string nameOf(const Origin& origin) { return origin.nameSpace + "/" + origin.name; }

Backend unavailable(std::string_view why) {
  return {.answer = Answer{503, "text/plain", fmt::format("503 Service Unavailable: {}", why)}};
}

bool isSentElsewhere(const OwnIngress& own) {
  const auto& redirect = own.settings.to.redirect;
  return redirect && redirect->onlyPath.empty() && !own.settings.closed;
}

Backend leadTo(const OwnIngress& own, const IngressTarget& target) {
  if (own.settings.closed) return unavailable("this Ingress asks for protection that it can't have; see its events");
  Backend to = own.settings.to;
  if (target.port) {
    to.shares = {Share{*target.port}};
    to.protocol = own.settings.protocol.value_or(target.protocol.value_or(Protocol::kHttp));
    if (own.settings.preserveClientIp.value_or(target.preserveClientIp)) to.preserveClientIp = target.families;
  } else if (!isSentElsewhere(own)) {
    to.answer = Answer{503, "text/plain", "503 Service Unavailable: the backend is missing"};
  }
  return to;
}

std::string hostOf(const networking_v1::IngressRule& rule) { return base::toLower(rule.host()); }

std::string pathOf(const HTTPIngressPath& path) { return path.path().empty() ? "/" : std::string(path.path()); }

std::string shown(const std::string& host, std::string_view path) {
  return (host.empty() ? "*" : host) + printable(path);
}

// Kubernetes' words for what decides about a canary: header, cookie, weight.
std::vector<std::pair<Conditions, Backend>> partsOf(const Canary& canary, const Backend& to, const Backend& main) {
  std::vector<std::pair<Conditions, Backend>> parts;
  using Of = ValueMatch::Of;
  const auto add = [&](ValueMatch value, const Backend& backend) {
    parts.push_back({Conditions{.values = {std::move(value)}}, backend});
  };
  if (!canary.header.empty() && !canary.headerValue.empty()) {
    add({Of::kHeader, canary.headerHow, canary.header, canary.headerValue}, to);
  } else if (!canary.header.empty()) {
    add({Of::kHeader, ValueMatch::How::kExact, canary.header, "always"}, to);
    add({Of::kHeader, ValueMatch::How::kExact, canary.header, "never"}, main);
  }
  if (!canary.cookie.empty()) {
    add({Of::kCookie, ValueMatch::How::kExact, canary.cookie, "always"}, to);
    add({Of::kCookie, ValueMatch::How::kExact, canary.cookie, "never"}, main);
  }
  if (canary.weight > 0) {
    parts.push_back(
        {Conditions{.part = std::min(canary.weight, canary.total), .total = canary.total, .isAhead = true}, to});
  }
  return parts;
}

// The main Ingress's own settings, but for what a canary has of its own.
Backend canaryBackend(const OwnIngress& main, const OwnIngress& canary, const IngressTarget& target) {
  Backend to = leadTo(main, target);
  const Backend& own = canary.settings.to;
  if (own.sticky) to.sticky = own.sticky;
  if (own.balance != Balance::kRoundRobin) {
    to.balance = own.balance;
    to.hash = own.hash;
  }
  return to;
}

}  // namespace

void IngressRules::complain(const OwnIngress& own, std::string reason, std::string message) {
  complaints_.push_back({own.origin, std::move(reason), std::move(message)});
}

const Origin* IngressRules::claim(const OwnIngress& own, const std::string& host, const PathMatch& match) {
  PathMatch plain = match;  // two spellings are one path
  if (plain.kind != PathMatch::Kind::kRegex) plain.text = plainPath(plain.text);
  const auto [at, isNew] = claims_.try_emplace({host, std::move(plain)}, own.origin);
  return isNew ? nullptr : &at->second;
}

void IngressRules::checkPodRouting(const OwnIngress& own, IngressRule& rule) {
  PodRouting& routing = rule.to.podRouting;
  if (routing == PodRouting::kHost && !rule.host.starts_with("*.")) {
    routing = PodRouting::kNone;
    complain(own, "InvalidAnnotation",
             fmt::format("wherry.dev/route-to-pod: host needs a host of the form \"*.example.com\", not {}",
                         shown(rule.host, "")));
  } else if (routing == PodRouting::kPath && rule.match.kind != PathMatch::Kind::kPrefix) {
    routing = PodRouting::kNone;
    complain(own, "InvalidAnnotation",
             fmt::format("wherry.dev/route-to-pod: path needs a path of type Prefix, which {} is not",
                         shown(rule.host, rule.path)));
  }
}

void IngressRules::addPath(const OwnIngress& own, const std::string& host, const HTTPIngressPath& path) {
  const auto& settings = own.settings;
  IngressRule rule{.owner = &own, .host = host, .pathType = std::string(path.pathType()), .path = pathOf(path)};
  IngressPath compiled = compilePath(rule.pathType, rule.path, settings.useRegex, settings.rewriteTarget);
  if (!compiled.fault.empty()) return complain(own, "InvalidPath", "path " + compiled.fault + "; it leads nowhere");
  if (const Origin* holder = claim(own, host, compiled.match)) {
    return complain(
        own, "RuleConflict",
        *holder == own.origin
            ? fmt::format("{} stands in it twice; the first one holds", shown(host, rule.path))
            : fmt::format("{} is led by Ingress {} already, which is older", shown(host, rule.path), nameOf(*holder)));
  }
  const IngressTarget target = findTarget(own.origin.nameSpace, path.backend(), sources_);
  if (!target.port && !isSentElsewhere(own)) {
    complain(own, target.reason,
             fmt::format("{}: {}; it is answered with 503", shown(host, rule.path), target.message));
  }
  rule.match = std::move(compiled.match);
  rule.to = leadTo(own, target);
  rule.to.path = std::move(compiled.change);
  checkPodRouting(own, rule);
  byPath_[{host, rule.path}].push_back(rules_.size());
  rules_.push_back(std::move(rule));
}

// What no rule fits: of the Ingress's own hosts, and of every host.
void IngressRules::addDefault(const OwnIngress& own) {
  const auto backend = own.ingress.spec().defaultBackend();
  if (!backend) return;
  const IngressTarget target = findTarget(own.origin.nameSpace, backend, sources_);
  if (!target.port && !isSentElsewhere(own)) {
    complain(own, target.reason, fmt::format("default backend: {}; it is answered with 503", target.message));
  }
  std::set<std::string> hosts{""};
  for (const auto rule : own.ingress.spec().rules()) hosts.insert(hostOf(rule));
  for (const std::string& host : hosts) {
    IngressRule rule{.owner = &own, .host = host, .pathType = "Prefix", .path = "/", .to = leadTo(own, target)};
    if (const Origin* holder = claim(own, host, rule.match)) {
      if (host.empty() && *holder != own.origin) {
        complain(own, "RuleConflict",
                 fmt::format("default backend: what no rule fits is led by Ingress {} already, which is older",
                             nameOf(*holder)));
      }
      continue;
    }
    byPath_[{host, rule.path}].push_back(rules_.size());
    rules_.push_back(std::move(rule));
  }
}

void IngressRules::checkAppRoot(const OwnIngress& own) {
  const auto& redirect = own.settings.to.redirect;
  if (!redirect || redirect->onlyPath.empty()) return;
  const bool reached = std::any_of(rules_.begin(), rules_.end(), [&](const IngressRule& rule) {
    return rule.owner == &own && (rule.match.text == "/" || rule.match.kind == PathMatch::Kind::kRegex);
  });
  if (!reached)
    complain(own, "InvalidAnnotation", "app-root: none of the paths is \"/\", which it would lead elsewhere");
}

void IngressRules::add(const OwnIngress& own) {
  for (const auto rule : own.ingress.spec().rules()) {
    const std::string host = hostOf(rule);
    hosts_.insert(host);
    if (own.settings.canary) continue;
    for (const auto path : rule.http().paths()) addPath(own, host, path);
  }
  if (own.settings.canary) return;
  addDefault(own);
  checkAppRoot(own);
}

void IngressRules::addWww(const OwnIngress& own, const std::string& host) {
  if (host.empty() || host.starts_with("*.")) return;
  const std::string other = host.starts_with("www.") ? host.substr(4) : "www." + host;
  IngressRule rule{.owner = &own, .host = other, .pathType = "Prefix", .path = "/"};
  const bool taken = hosts_.contains(other) || claim(own, other, rule.match);
  if (taken) {
    return complain(own, "RuleConflict",
                    fmt::format("from-to-www-redirect: {} is a host with rules of its own", shown(other, "")));
  }
  rule.to.redirect = Redirect{.host = host, .status = 308};
  rules_.push_back(std::move(rule));
}

void IngressRules::addOtherNames(const OwnIngress& own) {
  std::set<std::string> hosts;
  for (const auto rule : own.ingress.spec().rules()) hosts.insert(hostOf(rule));
  if (own.settings.fromToWww) {
    for (const std::string& host : hosts) addWww(own, host);
  }
  if (own.settings.aliases.empty() || hosts.empty()) return;
  for (const std::string& alias : own.settings.aliases) {
    if (!hosts_.insert(alias).second) {
      complain(own, "RuleConflict", fmt::format("server-alias: {} is a host with rules of its own", alias));
      continue;
    }
    // Of two hosts with the same path the first one's is the alias's.
    std::set<std::string> paths;
    for (const auto rule : own.ingress.spec().rules()) {
      for (const auto path : rule.http().paths()) {
        if (paths.insert(pathOf(path)).second) addPath(own, alias, path);
      }
    }
  }
}

IngressRule* IngressRules::findMain(const OwnIngress& own, const std::string& host, std::string_view pathType,
                                    std::string_view path) {
  IngressRule* found = nullptr;
  for (size_t at : byPath_[{host, std::string(path)}]) {
    IngressRule& rule = rules_[at];
    // A canary takes traffic away: that of other namespaces isn't its own.
    if (rule.owner->origin.nameSpace != own.origin.nameSpace) continue;
    if (!found || rule.pathType == pathType) found = &rule;
  }
  return found;
}

void IngressRules::addCanaryPath(const OwnIngress& own, const std::string& host, const HTTPIngressPath& path) {
  IngressRule* main = findMain(own, host, path.pathType(), pathOf(path));
  if (!main) {
    return complain(own, "InvalidCanary",
                    fmt::format("{}: no other Ingress of the namespace leads it", shown(host, pathOf(path))));
  }
  if (!main->canary.empty()) {
    return complain(
        own, "RuleConflict",
        fmt::format("{} has the canary {} already, which is older", shown(host, pathOf(path)), main->canary));
  }
  const IngressTarget target = findTarget(own.origin.nameSpace, path.backend(), sources_);
  if (!target.port) {
    return complain(own, target.reason,
                    fmt::format("{}: {}; the canary gets nothing", shown(host, pathOf(path)), target.message));
  }
  Backend to = canaryBackend(*main->owner, own, target);
  to.path = main->to.path;
  to.podRouting = main->to.podRouting;
  main->canary = nameOf(own.origin);
  main->canaries = partsOf(*own.settings.canary, to, main->to);
}

void IngressRules::addCanary(const OwnIngress& own) {
  if (!own.settings.canary) return;
  for (const auto rule : own.ingress.spec().rules()) {
    for (const auto path : rule.http().paths()) addCanaryPath(own, hostOf(rule), path);
  }
  if (own.ingress.spec().hasDefaultBackend()) {
    complain(own, "InvalidCanary", "a canary has no part in default backends");
  }
}

}  // namespace wherry::ingress

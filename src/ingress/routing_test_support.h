// For tests: the routing model as text, a line a route.
//
//   a.example.com/foo -> shop/web:http        kPrefix; "/foo$" is kExact, "/foo..." kStart, "~/foo" kRegex
//   */ [header x=always] -> shop/new:http; body 8388608
//
// What is as usual isn't said.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/routing.h"

namespace wherry::ingress {

inline std::string textOf(const PathMatch& path) {
  switch (path.kind) {
    case PathMatch::Kind::kExact:
      return path.text + "$";
    case PathMatch::Kind::kPrefix:
      return path.text;
    case PathMatch::Kind::kStart:
      return path.text + "...";
    case PathMatch::Kind::kRegex:
      return "~" + path.text;
  }
  return "";
}

inline std::string textOf(const Conditions& conditions) {
  std::string text;
  for (const ValueMatch& each : conditions.values) {
    constexpr const char* kOf[] = {"header", "query", "cookie"};
    text += fmt::format(" [{} {}{}{}]", kOf[static_cast<int>(each.of)], each.name,
                        each.how == ValueMatch::How::kExact ? "=" : "~", each.value);
  }
  if (conditions.part < conditions.total) text += fmt::format(" [{} of {}]", conditions.part, conditions.total);
  return text;
}

inline std::string textOf(const PathChange& change) {
  return change.kind == PathChange::Kind::kNone ? ""
                                                : (change.kind == PathChange::Kind::kRegex ? "~" : "") + change.with;
}

inline std::string textOf(const Redirect& redirect) {
  std::string to = redirect.location;
  if (to.empty()) {
    to = fmt::format("{}://{}{}{}", redirect.scheme.empty() ? "*" : redirect.scheme,
                     redirect.host.empty() ? "*" : redirect.host,
                     redirect.port ? fmt::format(":{}", redirect.port) : "", textOf(redirect.path));
  }
  return fmt::format("{} {}{}", redirect.status, to, redirect.onlyPath.empty() ? "" : " at " + redirect.onlyPath);
}

// How the backend is spoken to.
inline void addSpeech(std::vector<std::string>& parts, const Backend& to) {
  constexpr const char* kProtocols[] = {"", "http2", "https", "https2", "tcp"};
  if (to.protocol != Protocol::kHttp) parts.push_back(kProtocols[static_cast<int>(to.protocol)]);
  if (to.balance == Balance::kLeastConnections) parts.push_back("least");
  for (const HashPart& part : to.hash) {
    constexpr const char* kParts[] = {"source", "uri", "path", "host", "header", "cookie", "query"};
    parts.push_back(
        fmt::format("hash {}{}", kParts[static_cast<int>(part.of)], part.name.empty() ? "" : " " + part.name));
  }
  if (to.sticky) {
    const StickyCookie& cookie = *to.sticky;
    parts.push_back(fmt::format("sticky {}{}{}{}{}{}", cookie.name, cookie.path.empty() ? "" : " " + cookie.path,
                                cookie.domain.empty() ? "" : " " + cookie.domain,
                                cookie.sameSite.empty() ? "" : " " + cookie.sameSite, cookie.secure ? " secure" : "",
                                cookie.maxAge.count() ? fmt::format(" {}s", cookie.maxAge.count()) : ""));
  }
  if (to.tls) {
    parts.push_back(fmt::format("tls{}{}{}", to.tls->serverName.empty() ? "" : " " + to.tls->serverName,
                                to.tls->caPem.empty() ? "" : " ca", to.tls->clientPem.empty() ? "" : " client"));
  }
  if (to.timeOuts.connect.count()) parts.push_back(fmt::format("connect {}ms", to.timeOuts.connect.count()));
  if (to.timeOuts.read.count()) parts.push_back(fmt::format("read {}ms", to.timeOuts.read.count()));
  if (to.retries != 3) parts.push_back(fmt::format("retries {}", to.retries));
  if (to.proxyProtocol) parts.push_back(fmt::format("proxy v{}", to.proxyProtocol));
  for (base::IpFamily family : to.preserveClientIp) {
    parts.push_back(family == base::IpFamily::kIPv4 ? "client IPv4" : "client IPv6");
  }
  if (to.podRouting != PodRouting::kNone) parts.push_back(to.podRouting == PodRouting::kHost ? "pod host" : "pod path");
}

// Who comes in, and what becomes of the request on the way.
inline void addGuards(std::vector<std::string>& parts, const Backend& to) {
  if (to.sources) {
    for (const auto& each : to.sources->allow) parts.push_back("allow " + each);
    for (const auto& each : to.sources->deny) parts.push_back("deny " + each);
  }
  if (to.limit) {
    parts.push_back(fmt::format("limit {}/s {}/min {} at once x{} {}", to.limit->perSecond, to.limit->perMinute,
                                to.limit->connections, to.limit->burst, base::join(to.limit->exempt, ",")));
  }
  if (to.auth) {
    std::string users;
    for (const auto& [name, hash] : to.auth->users) users += " " + name + "=" + hash;
    parts.push_back(fmt::format("auth \"{}\"{}", to.auth->realm, users));
  }
  if (to.cors) {
    parts.push_back(fmt::format("cors {} {} {} {}{} {}s", base::join(to.cors->origins, ","),
                                base::join(to.cors->methods, ","), base::join(to.cors->headers, ","),
                                base::join(to.cors->exposed, ","), to.cors->credentials ? " credentials" : "",
                                to.cors->maxAge.count()));
  }
  if (to.bodyLimit) parts.push_back(fmt::format("body {}", to.bodyLimit));
  if (to.bufferRequest) parts.push_back("buffered");
  if (to.path.kind != PathChange::Kind::kNone) parts.push_back("path " + textOf(to.path));
  if (!to.host.empty()) parts.push_back("host " + to.host);
  for (const HeaderChange& each : to.headers) parts.push_back(fmt::format("{}: {}", each.name, each.value));
}

inline std::string textOf(const Backend& to) {
  std::vector<std::string> parts;
  std::string first;
  if (to.redirect && to.redirect->onlyPath.empty()) {
    first = textOf(*to.redirect);
  } else if (to.answer) {
    first = std::to_string(to.answer->status);
  } else {
    for (const Share& share : to.shares) {
      first += fmt::format("{}{}/{}:{}", first.empty() ? "" : " + ", share.target.nameSpace, share.target.service,
                           share.target.port);
    }
  }
  parts.push_back(first);
  if (to.redirect && !to.redirect->onlyPath.empty()) parts.push_back(textOf(*to.redirect));
  addSpeech(parts, to);
  addGuards(parts, to);
  return base::join(parts, "; ");
}

inline std::string textOf(const Route& route) {
  return fmt::format("{}{}{} -> {}", route.host.name.empty() ? "*" : route.host.name, textOf(route.path),
                     textOf(route.conditions), textOf(route.to));
}

inline std::string textOf(const std::vector<Route>& routes) {
  std::string text;
  for (const Route& route : routes) text += textOf(route) + "\n";
  return text;
}

inline std::string textOf(const Complaint& complaint) {
  return fmt::format("{}/{} {}: {}", complaint.about.nameSpace, complaint.about.name, complaint.reason,
                     complaint.message);
}

}  // namespace wherry::ingress

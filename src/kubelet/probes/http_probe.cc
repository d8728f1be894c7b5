#include "kubelet/probes/http_probe.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "base/strings.h"
#include "net/http_client.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxRedirects = 10;
constexpr size_t kMaxBody = 1 << 20;  // nobody reads it; more than this is no answer to a probe

int defaultPort(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

std::string authorityOf(const HttpTarget& target) {
  std::string host = target.host.find(':') == std::string::npos ? target.host : "[" + target.host + "]";
  return fmt::format("{}:{}", host, target.port);
}

std::string pathOf(const core_v1::HTTPGetAction& action) {
  std::string path(action.path());
  return path.starts_with('/') ? path : "/" + path;
}

void setPath(net::Request& request, const std::string& path) {
  auto parts = base::splitOnce(std::string_view(path), '?');
  request.path = parts ? parts->first : std::string_view(path);
  request.query = parts ? parts->second : std::string_view();
}

std::optional<HttpTarget> redirectOf(const HttpTarget& from, const net::ClientResponse& response) {
  constexpr int kRedirects[] = {301, 302, 303, 307, 308};
  bool redirect = std::find(std::begin(kRedirects), std::end(kRedirects), response.status) != std::end(kRedirects);
  return redirect ? resolveLocation(from, response.headers.get("Location")) : std::nullopt;
}

std::string failureOf(const HttpTarget& target, const std::system_error& error) {
  int number = error.code().value();
  if (number == ETIMEDOUT) return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  return dialMessage(target.host, target.port, number);
}

}  // namespace

net::Request httpProbeRequest(const core_v1::HTTPGetAction& action, const std::string& authority) {
  net::Request request{.method = "GET"};
  setPath(request, pathOf(action));
  request.headers.set("Host", authority);
  request.headers.set("User-Agent", "kube-probe/1.36");
  request.headers.set("Accept", "*/*");
  request.headers.set("Connection", "close");
  for (auto header : action.httpHeaders()) {
    // An empty one takes the field away.
    if (header.value().empty())
      request.headers.remove(header.name());
    else
      request.headers.set(std::string(header.name()), std::string(header.value()));
  }
  return request;
}

std::string HttpTarget::url() const { return fmt::format("{}://{}{}", scheme, authorityOf(*this), path); }

std::optional<HttpTarget> resolveLocation(const HttpTarget& from, std::string_view location) {
  location = location.substr(0, location.find('#'));
  HttpTarget to = from;
  if (location.empty()) return std::nullopt;
  if (size_t scheme = location.find("://"); scheme != std::string_view::npos && scheme < location.find('/')) {
    to.scheme = base::toLower(location.substr(0, scheme));
    location.remove_prefix(scheme + 1);
    if (to.scheme != "http" && to.scheme != "https") return std::nullopt;
  }
  if (location.starts_with("//")) {
    location.remove_prefix(2);
    std::string_view authority = location.substr(0, location.find_first_of("/?"));
    location.remove_prefix(authority.size());
    size_t colon = authority.rfind(':');
    bool hasPort = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
    auto port = hasPort ? base::parseInt<int>(authority.substr(colon + 1)) : defaultPort(to.scheme);
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
    to.port = *port;
    to.host = authority.substr(0, hasPort ? colon : authority.size());
    if (to.host.starts_with('[') && to.host.ends_with(']')) to.host = to.host.substr(1, to.host.size() - 2);
    to.path = "/";
  }
  if (location.starts_with('/')) {
    to.path = location;
  } else if (location.starts_with('?')) {
    to.path = from.path.substr(0, from.path.find('?')) + std::string(location);
  } else if (!location.empty()) {
    std::string directory = from.path.substr(0, from.path.find('?'));
    to.path = directory.substr(0, directory.rfind('/') + 1) + std::string(location);
  }
  return to;
}

HttpAnswer requestHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target, milliseconds timeout) {
  auto port = findPort(action.port(), target.container);
  if (!port) return {0, noSuchPort(action.port())};
  HttpTarget at{action.scheme() == "HTTPS" ? "https" : "http",
                action.host().empty() ? target.ip : std::string(action.host()), *port, pathOf(action)};
  const std::string first = at.host;
  for (int redirects = 0;; ++redirects) {
    try {
      auto client =
          net::newHttpClient({.url = at.scheme + "://" + authorityOf(at), .timeout = timeout, .maxBody = kMaxBody});
      net::Request request = httpProbeRequest(action, authorityOf(at));
      setPath(request, at.path);
      auto response = client->call(request);
      auto next = redirectOf(at, response);
      if (!next || next->host != first) return {response.status, {}};
      if (redirects + 1 >= kMaxRedirects) {
        return {0, fmt::format("Get \"{}\": stopped after {} redirects", next->url(), kMaxRedirects)};
      }
      at = *next;
    } catch (const std::system_error& error) {
      return {0, fmt::format("Get \"{}\": {}", at.url(), failureOf(at, error))};
    } catch (const std::exception& error) {
      return {0, fmt::format("Get \"{}\": {}", at.url(), error.what())};
    }
  }
}

ProbeAnswer probeHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target, milliseconds timeout) {
  HttpAnswer answer = requestHttp(action, target, timeout);
  if (answer.status == 0) return {false, answer.error};
  if (answer.status >= 200 && answer.status < 400) return {true, {}};
  return {false, fmt::format("HTTP probe failed with statuscode: {}", answer.status)};
}

}  // namespace wherry::kubelet

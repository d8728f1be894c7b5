// What a proxy changes of the messages it passes on. Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace wherry::apiserver {

// Where the client reached what is behind the proxy.
struct ProxyPlace {
  std::string prefix;       // "/api/v1/namespaces/a/pods/p/proxy"
  std::string path;         // below it, as sent: "" or "/..."
  std::string backendHost;  // "10.244.0.5:80"
  std::string clientHost;   // the Host that the client named
};
// Of a request to .../NAME/proxy/...; the path is taken as it was sent, undecoded.
ProxyPlace proxyPlace(const net::Request& request, size_t segmentsBeforeRest);

// The head and body that go to the backend.
std::string renderProxyRequest(const net::Request& request, const ProxyPlace& place, bool upgrade);

// Without what belongs to the backend's connection or speaks for the wrong origin, and with its Location led through
// the proxy.
net::Headers proxyAnswerHeaders(const net::Headers& headers, const ProxyPlace& place);

// A URL of the backend's, led through the proxy; others' as they are.
std::string rewriteProxyUrl(std::string_view url, const ProxyPlace& place);
// The URLs in a page's attributes, all else as it is.
std::string rewriteProxyHtml(std::string_view html, const ProxyPlace& place);

}  // namespace wherry::apiserver

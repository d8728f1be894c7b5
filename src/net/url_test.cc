#include "net/url.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::net {
namespace {

std::string show(const ServerUrl& url) {
  if (!url.endpoint.unixPath.empty()) return "unix " + url.endpoint.unixPath;
  return (url.tls ? "tls " : "plain ") + url.endpoint.host + " " + std::to_string(url.endpoint.port) + " " +
         url.hostField + " '" + url.basePath + "'";
}

TEST(ServerUrl, IsTakenApart) {
  const struct {
    const char* url;
    const char* parts;
  } cases[] = {
      {"https://192.0.2.1:6443", "tls 192.0.2.1 6443 192.0.2.1:6443 ''"},
      {"https://example.org", "tls example.org 443 example.org ''"},
      {"http://example.org/", "plain example.org 80 example.org ''"},
      {"https://example.org:8443/k8s/clusters/c-1/", "tls example.org 8443 example.org:8443 '/k8s/clusters/c-1'"},
      {"https://[2001:db8::1]:6443", "tls 2001:db8::1 6443 [2001:db8::1]:6443 ''"},
      {"http://[::1]", "plain ::1 80 [::1] ''"},
      {"unix:/run/wherry/admin.sock", "unix /run/wherry/admin.sock"},
  };
  for (const auto& test : cases) EXPECT_EQ(show(parseServerUrl(test.url)), test.parts) << test.url;
}

TEST(ServerUrl, RefusesOthers) {
  for (const char* url : {"", "example.org", "ftp://example.org", "https://", "https://a:99999", "https://a:x",
                          "https:///x", "https://a b", "https://user@a", "https://a\r\nX: y"}) {
    EXPECT_THROW(parseServerUrl(url), std::invalid_argument) << url;
  }
}

}  // namespace
}  // namespace wherry::net

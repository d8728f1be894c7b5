#include "apiserver/proxy_rewrite.h"

#include <gtest/gtest.h>

#include "apiserver/gzip.h"
#include "apiserver/proxy_target.h"

namespace wherry::apiserver {
namespace {

const ProxyPlace kPlace{"/api/v1/proxy", "/x", "10.0.0.1:80", "api:6443"};

TEST(ProxyRewrite, LeadsUrlsThroughTheProxy) {
  struct Case {
    const char* sentence;
    const char* url;
    const char* expected;
  };
  const Case cases[] = {
      {"an absolute path", "/a/b?c=d#e", "/api/v1/proxy/a/b?c=d#e"},
      {"a relative one stays", "a/b", "a/b"},
      {"a query alone stays", "?a", "?a"},
      {"another host stays", "http://example.org/a", "http://example.org/a"},
      {"the backend's own host goes", "http://10.0.0.1:80/a", "/api/v1/proxy/a"},
      {"the host that the client named stays", "https://api:6443/a", "https://api:6443/api/v1/proxy/a"},
      {"what is led through it stays", "/api/v1/proxy/a", "/api/v1/proxy/a"},
      {"a host without a path stays", "http://10.0.0.1:80", "http://10.0.0.1:80"},
      {"another host without a scheme", "//example.org/a", "//example.org/a"},
      {"no place at all", "mailto:a@b", "mailto:a@b"},
      {"a script", "javascript:go('/a')", "javascript:go('/a')"},
      {"a colon without a scheme", ":/a", ":/a"},
      {"what is no scheme, before the backend", "1x://10.0.0.1:80/a", "1x://10.0.0.1:80/a"},
      {"nothing", "", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(rewriteProxyUrl(c.url, kPlace), c.expected) << c.sentence;
}

TEST(ProxyRewrite, LeadsPagesThroughTheProxy) {
  struct Case {
    const char* sentence;
    const char* html;
    const char* expected;
  };
  const Case cases[] = {
      {"a link", R"(<p><A class="x" HREF="/a">a</A>)", R"(<p><A class="x" HREF="/api/v1/proxy/a">a</A>)"},
      {"quoted otherwise", "<img src='/a'/>", "<img src='/api/v1/proxy/a'/>"},
      {"not quoted", "<img src=/a>", "<img src=/api/v1/proxy/a>"},
      {"with spaces", "<a href = \"/a\">", "<a href = \"/api/v1/proxy/a\">"},
      {"of no URL's attribute", "<a title=\"/a\">", "<a title=\"/a\">"},
      {"in a comment", "<!-- <a href=\"/a\"> -->", "<!-- <a href=\"/a\"> -->"},
      {"in a script", "<script>x = '<a href=\"/a\">'</script><a href=/b>",
       "<script>x = '<a href=\"/a\">'</script><a href=/api/v1/proxy/b>"},
      {"a tag that never ends", "<a href=\"/a", "<a href=\"/api/v1/proxy/a"},
      {"an attribute without a value", "<script async src=\"/a\">", "<script async src=\"/api/v1/proxy/a\">"},
      {"less than", "1 < 2 <", "1 < 2 <"},
      {"a comment that never ends", "<!-- a", "<!-- a"},
      {"an equals sign alone", "<a =\"/b\" href=\"/a\">", "<a =\"/b\" href=\"/api/v1/proxy/a\">"},
  };
  for (const auto& c : cases) EXPECT_EQ(rewriteProxyHtml(c.html, kPlace), c.expected) << c.sentence;
}

net::Request request(std::string method, std::string path) {
  net::Request result;
  result.method = std::move(method);
  result.path = std::move(path);
  return result;
}

TEST(ProxyRewrite, TakesThePathAsItWasSent) {
  auto place = proxyPlace(request("GET", "/api/v1/namespaces/a/pods/p:80/proxy/x%2Fy//z/"), 7);
  EXPECT_EQ(place.prefix, "/api/v1/namespaces/a/pods/p:80/proxy");
  EXPECT_EQ(place.path, "/x%2Fy//z/");
  EXPECT_EQ(proxyPlace(request("GET", "/api/v1/nodes/n/proxy"), 5).path, "");
}

TEST(ProxyRewrite, SendsWhatIsForTheBackendAndNothingElse) {
  auto sent = request("POST", "/api/v1/proxy/x");
  sent.query = "a=b";
  sent.body = "body";
  sent.peer = std::make_shared<const net::Peer>(net::Peer{"192.0.2.9", 1, "", {}});
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Host", "api:6443"},
                                                                  {"Authorization", "Bearer secret"},
                                                                  {"Impersonate-User", "joe"},
                                                                  {"Accept", "*/*"},
                                                                  {"Connection", "close, X-Mine"},
                                                                  {"X-Mine", "1"},
                                                                  {"TE", "trailers"},
                                                                  {"X-Forwarded-For", "192.0.2.1"}}) {
    sent.headers.add(name, value);
  }
  EXPECT_EQ(renderProxyRequest(sent, kPlace, false),
            "POST /x?a=b HTTP/1.1\r\nHost: api:6443\r\nAccept: */*\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.9\r\n"
            "X-Forwarded-Uri: /api/v1/proxy/x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
}

TEST(ProxyRewrite, PassesBackWhatIsNotTheConnectionsOwn) {
  net::Headers headers;
  headers.add("Location", "/login");
  headers.add("Connection", "keep-alive, X-Hop");
  headers.add("X-Hop", "1");
  headers.add("Access-Control-Allow-Origin", "*");
  headers.add("Set-Cookie", "a=b");
  auto passed = proxyAnswerHeaders(headers, kPlace);
  ASSERT_EQ(passed.fields().size(), 2U);
  EXPECT_EQ(passed.get("Location"), "/api/v1/proxy/login");
  EXPECT_EQ(passed.get("Set-Cookie"), "a=b");
}

TEST(Gzip, IsReadBackAndBounded) {
  std::string text(100'000, 'x');
  EXPECT_EQ(gunzip(gzip(text), 100'000), text);
  EXPECT_EQ(gunzip(gzip(text), 99'999), std::nullopt);
  EXPECT_EQ(gunzip("no gzip", 100), std::nullopt);
  EXPECT_EQ(gunzip(gzip(text).substr(0, 30), 100'000), std::nullopt);
}

TEST(ProxyTarget, NamesHaveAPortAndAScheme) {
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case cases[] = {{"web", "web  plain"},
                        {"web:80", "web 80 plain"},
                        {"https:web:443", "web 443 tls"},
                        {"http:web:http", "web http plain"},
                        {"https:web:", "web  tls"},
                        {":web:80", "web 80 plain"},
                        {"ftp:web:21", "none"},
                        {":80", "none"},
                        {"a:b:c:d", "none"}};
  for (const auto& c : cases) {
    auto name = parseProxyName(c.text);
    EXPECT_EQ(name ? name->name + " " + name->port + (name->tls ? " tls" : " plain") : "none", c.expected) << c.text;
  }
}

TEST(ProxyTarget, SomeAddressesAreNobodysBusiness) {
  for (auto address : {"10.244.0.5", "192.0.2.1", "2001:db8::1", "fd00::1"})
    EXPECT_TRUE(isProxyable(address)) << address;
  for (auto address : {"127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1",
                       "::", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "", "localhost"}) {
    EXPECT_FALSE(isProxyable(address)) << address;
  }
}

}  // namespace
}  // namespace wherry::apiserver

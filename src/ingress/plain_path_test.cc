#include "ingress/plain_path.h"

#include <gtest/gtest.h>

#include "ingress/data_plane_test_support.h"
#include "ingress/ingress_paths.h"

namespace wherry::ingress {
namespace {

TEST(PlainPath, OfRoutes) {
  struct Case {
    const char* written;
    const char* plain;
    const char* spelled;
  };
  for (const Case& each : std::initializer_list<Case>{
           {"/admin", "/admin", "/admin"},
           {"/%61dmin/", "/admin/", "/admin/"},
           {"/a%2Fb", "/a/b", "/a%2Fb"},
           {"/a//b\\c", "/a/b/c", "/a//b\\c"},
           {"/a%20b", "/a%20b", "/a%20b"},
           {"/100%25", "/100%25", "/100%25"},
           {"/%2561", "/%2561", "/%2561"},
           {"/caf%c3%A9", "/caf\xc3\xa9", "/caf%c3%A9"},
           {"/a%2Bb@%40", "/a+b@@", "/a%2Bb@%40"},
           {"/a%0Ab", "/a%0Ab", "/a%0Ab"},
           {"/broken%", "/broken%", "/broken%"},
           {"/broken%4", "/broken%4", "/broken%4"},
           {"/broken%zz", "/broken%zz", "/broken%zz"},
       }) {
    EXPECT_EQ(plainPath(each.written), each.plain);
    EXPECT_EQ(spelledPath(each.written), each.spelled);
  }
  EXPECT_EQ(plainExpression("/(a|%2e%C3%A9)/%20\\d+%25"), "/(a|\\x2e\\xc3\\xa9)/%20\\d+%25");
}

TEST(PlainPath, ARouteThatNoRequestFindsIsAFault) {
  EXPECT_EQ(compilePath("Prefix", "/a;b", false, std::nullopt).fault,
            "\"/a;b\" has a \";\": what follows one in a request isn't looked at");
  EXPECT_EQ(compilePath("Prefix", "/a[^;]", true, std::nullopt).fault, "");
}

// -- as HAProxy reads requests ----------------------------------------------------------------------------------------

using Kind = PathMatch::Kind;

class HostileRequest : public DataPlaneTest {
 protected:
  // A route that nobody may come to, with a status of its own to know it by.
  Route guarded(const std::string& host, const PathMatch& path) {
    Route guarded = route(host, path, "web");
    guarded.to.answer = Answer{403, "", ""};
    return guarded;
  }
  void serve(std::vector<Route> routes) {
    endpoints_["web"] = {web_.endpoint()};
    EXPECT_EQ(plane_->setModel(modelOf(std::move(routes))).size(), 0U);
  }
  std::string statusOf(const std::string& host, const std::string& path) { return get(host, path).substr(0, 3); }

  Web web_{"web"};
};

TEST_F(HostileRequest, NoSpellingOfAPathComesPastItsRoute) {
  serve({route("a.example.com", {Kind::kPrefix, "/"}, "web"), guarded("a.example.com", {Kind::kPrefix, "/admin"}),
         guarded("a.example.com", {Kind::kExact, "/one/exact"}), guarded("a.example.com", {Kind::kStart, "/start"}),
         guarded("a.example.com", {Kind::kPrefix, "/caf%C3%A9"}), guarded("a.example.com", {Kind::kPrefix, "/a%20b"}),
         route("a.example.com", {Kind::kPrefix, "/public"}, "web"),
         // Found one by one, not in a map.
         route("r.example.com", {Kind::kPrefix, "/"}, "web"), guarded("r.example.com", {Kind::kPrefix, "/admin"}),
         guarded("r.example.com", {Kind::kExact, "/one/exact"}), guarded("r.example.com", {Kind::kStart, "/start"}),
         guarded("r.example.com", {Kind::kRegex, "/caf%C3%A9/[a-z]+"}),
         guarded("r.example.com", {Kind::kRegex, "/a%20b$"}), guarded("r.example.com", {Kind::kRegex, "/d/.*/admin"}),
         route("r.example.com", {Kind::kPrefix, "/public"}, "web"),
         // Of hosts that nobody names.
         route("", {Kind::kPrefix, "/"}, "web"), guarded("", {Kind::kPrefix, "/admin"}),
         guarded("", {Kind::kExact, "/one/exact"}), guarded("", {Kind::kStart, "/start"}),
         route("", {Kind::kPrefix, "/public"}, "web")});
  for (const std::string host : {"a.example.com", "r.example.com", "elsewhere.example.com"}) {
    for (const std::string path : {"/admin",
                                   "/admin/",
                                   "/%61dmin",
                                   "/%61%64%6D%69%6e",
                                   "/admin?x",
                                   "//admin",
                                   "///admin//x",
                                   "/./admin",
                                   "/public/../admin",
                                   "/public/%2e%2e/admin",
                                   "/public/.%2E/admin",
                                   "/%2E/admin",
                                   "/admin%2F",
                                   "/admin%2fx",
                                   "/%2Fadmin",
                                   "/x/..//admin",
                                   "/admin;",
                                   "/admin;a=b",
                                   "/admin;a=b/x",
                                   "/;x/admin",
                                   "/admin%5Cx",
                                   "/%5cadmin",
                                   "/admin\\x",
                                   "/\\admin",
                                   "/one/exact",
                                   "/one%2Fexact",
                                   "/one//exact",
                                   "/one/exact;x",
                                   "/one;x/exact",
                                   "/one/e%78act",
                                   "/started",
                                   "/%73tarted",
                                   "/%2Fstart"}) {
      EXPECT_EQ(statusOf(host, path), "403") << host << path;
    }
    // They mean something else than they seem to.
    for (const std::string path : {"/public/..%2fadmin",
                                   "/public%2F..%2Fadmin",
                                   "/public/..%5Cadmin",
                                   "/public\\..\\admin",
                                   "/public/..;/admin",
                                   "/public/..;x=y/admin",
                                   "/public/%2e%2e;/admin",
                                   "/public/.;/x",
                                   "/..;/admin",
                                   "/%2e%2e%2fadmin",
                                   "/admin%00",
                                   "/admin%0a",
                                   "/admin%7F",
                                   "/x%0D%0Ay",
                                   "/admin%",
                                   "/admin%2",
                                   "/admin%zz",
                                   "/admin%2F%u002e",
                                   "/%c",
                                   "/%%61"}) {
      EXPECT_EQ(statusOf(host, path), "400") << host << path;
    }
    // Others of the same letters, and what pods know better.
    for (const std::string path :
         {"/", "/administrator", "/x/admin", "/public/admin", "/one/exact/x", "/one/exact/", "/%2561dmin", "/..admin",
          "/public/a..b", "/public/...", "/public/a%2Fb", "/public/a;b=c/d", "/public//a", "/public/%C3%A9",
          "/public/%25", "/public/%e9", "/public/a+b%2Bc", "/public/?q=%00/../%zz", "/public/?../../admin"}) {
      EXPECT_EQ(statusOf(host, path), "200") << host << path;
    }
  }
  for (const std::string path : {"/caf%C3%A9/x", "/caf%c3%a9/x", "/caf%c3%a9%2fx", "/a%20b"}) {
    EXPECT_EQ(statusOf("a.example.com", path), "403") << path;
    EXPECT_EQ(statusOf("r.example.com", path), "403") << path;
  }
  EXPECT_EQ(statusOf("r.example.com", "/d/x%2Fy/admin"), "403");
}

TEST_F(HostileRequest, PodsGetWhatTheClientWrote) {
  serve({route("a.example.com", {Kind::kPrefix, "/"}, "web")});
  for (const std::string path : {"/a%2Fb", "/a//b", "/a;b=c", "/%C3%A9?x=%2f..%2f", "/a%5Cb", "/100%25", "/%2561"}) {
    EXPECT_EQ(get("a.example.com", path), "200 web " + path + "\n");
  }
  EXPECT_EQ(get("a.example.com", "/%61/./b/../%7e"), "200 web /a/~\n");
}

TEST_F(HostileRequest, WhatIsReplacedLeadsNowhereElse) {
  Route cut = route("a.example.com", {Kind::kPrefix, "/app"}, "web"), replaced = cut, whole = cut;
  cut.to.path = {PathChange::Kind::kPrefix, "/inner"};
  replaced.path = {Kind::kRegex, "/re(/|$)(.*)"};
  replaced.host.name = "r.example.com";
  replaced.to.path = {PathChange::Kind::kRegex, "/inner/$2"};
  serve({cut, replaced});
  EXPECT_EQ(get("a.example.com", "/app/x"), "200 web /inner/x\n");
  EXPECT_EQ(get("a.example.com", "/app/a%2Fb"), "200 web /inner/a%2Fb\n");
  EXPECT_EQ(get("a.example.com", "//app//x"), "200 web /inner/x\n");
  EXPECT_EQ(get("a.example.com", "/%61pp/x"), "200 web /inner/x\n");
  EXPECT_EQ(get("r.example.com", "/re/x"), "200 web /inner/x\n");
  EXPECT_EQ(get("r.example.com", "//re//x"), "200 web /inner/x\n");
  for (const std::string path : {"%2Fadmin", ";/admin", "%5Cadmin"}) {
    EXPECT_EQ(get("a.example.com", "/app" + path), "400") << path;
    EXPECT_EQ(get("r.example.com", "/re" + path), "400") << path;
  }
}

TEST_F(HostileRequest, AHostIsAName) {
  serve({route("a.example.com", {Kind::kPrefix, "/"}, "web"), guarded("a.example.com", {Kind::kPrefix, "/admin"}),
         route("a.example.com", {Kind::kPrefix, "/public"}, "web")});
  for (const std::string host : {"a.example.com", "A.Example.COM", "a.example.com:80", "a.example.com.",
                                 "a.example.com.:8080", "a.example.com:"}) {
    EXPECT_EQ(statusOf(host, "/admin"), "403") << host;
    EXPECT_EQ(statusOf(host, "/public"), "200") << host;
  }
  // A key of the map is the host and then the path.
  for (const std::string host :
       {"a.example.com/public", "a.example.com/public/", "x,a.example.com", "a.example.com,x",
        "a.example.com/public:80", "a.example.com x", "a.example.com\\public", "a.example.com%2Fpublic",
        "user@a.example.com", "a.example.com:80:80", "a.example.com#", "a.example.com?", "\xc3\xa9.example.com", "[::1",
        "'a.example.com'", "\"", ""}) {
    EXPECT_EQ(statusOf(host, "/admin"), "400") << host;
  }
  EXPECT_EQ(statusOf("[::1]:80", "/"), "404");
  EXPECT_EQ(get("a.example.com\r\nHost: b.example.com", "/public"), "400");
  EXPECT_EQ(get("a.example.com\r\nHost: a.example.com", "/admin").substr(0, 1), "4");
}

TEST_F(HostileRequest, ATargetIsAPath) {
  serve({route("a.example.com", {Kind::kPrefix, "/"}, "web"), guarded("a.example.com", {Kind::kPrefix, "/admin"}),
         guarded("b.example.com", {Kind::kPrefix, "/"})});
  const auto ask = [&](const std::string& line) {
    return Connection(port_).send(line + "\r\nHost: a.example.com\r\n\r\n").substr(0, 3);
  };
  EXPECT_EQ(ask("GET / HTTP/1.1"), "200");
  EXPECT_EQ(ask("GET http://a.example.com/ HTTP/1.1"), "200");
  EXPECT_EQ(ask("GET http://a.example.com/admin HTTP/1.1"), "403");
  EXPECT_EQ(ask("GET http://a.example.com/x/../%61dmin HTTP/1.1"), "403");
  EXPECT_EQ(ask("GET  /admin HTTP/1.1"), "403");
  // Of two hosts none is right.
  EXPECT_EQ(ask("GET http://b.example.com/ HTTP/1.1"), "400");
  for (const std::string line :
       {"CONNECT a.example.com:80 HTTP/1.1", "CONNECT /admin HTTP/1.1", "OPTIONS * HTTP/1.1", "GET * HTTP/1.1",
        "GET admin HTTP/1.1", "GET a.example.com/admin HTTP/1.1", "GET ?x HTTP/1.1", "GET \\admin HTTP/1.1",
        "GET /x#/admin HTTP/1.1", "GET /admin# HTTP/1.1", "GET /a b HTTP/1.1", "GET /x\x01 HTTP/1.1",
        "GET /x\xff HTTP/1.1", "GET /admin HTTP/1.1 x", "G\x01T / HTTP/1.1",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1"}) {
    EXPECT_EQ(ask(line), "400") << line;
  }
}

TEST_F(HostileRequest, IsNotReadInTwoWays) {
  serve({route("a.example.com", {Kind::kPrefix, "/"}, "web")});
  const auto ask = [&](const std::string& rest) {
    return Connection(port_).send("POST / HTTP/1.1\r\nHost: a.example.com\r\n" + rest).substr(0, 3);
  };
  EXPECT_EQ(ask("Content-Length: 1\r\n\r\nx"), "200");
  for (const std::string rest :
       {"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "Content-Length: 1,2\r\n\r\nxx",
        "Content-Length: +1\r\n\r\nx", "Content-Length: -1\r\n\r\nx", "Content-Length: 0x1\r\n\r\nx",
        "Content-Length: 1 1\r\n\r\nx", "Content-Length: \r\n\r\nx", "Content-Length : 1\r\n\r\nx",
        "Content-Length\r\n\r\nx", " Content-Length: 1\r\n\r\nx", "Content-Length: 99999999999999999999\r\n\r\nx",

        "X\x01: a\r\n\r\n", "X(: a\r\n\r\n", ": a\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n"}) {
    const std::string status = ask(rest);
    EXPECT_TRUE(status == "400" || status.empty()) << rest << status;
  }
  EXPECT_EQ(ask("X: " + std::string(100'000, 'x') + "\r\n\r\n").substr(0, 1), "4");
}

}  // namespace
}  // namespace wherry::ingress

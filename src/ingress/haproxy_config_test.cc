#include "ingress/haproxy_config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "ingress/frontend_text.h"
#include "pki/certificate.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

Backend to(const std::string& service) {
  Backend backend;
  backend.shares = {{{"default", service, "http"}, 1}};
  return backend;
}

Route route(const std::string& host, const PathMatch& path, Backend backend, Conditions conditions = {}) {
  return {{"Ingress", "default", "web"}, {host, false}, path, std::move(conditions), std::move(backend)};
}

Model modelOf(std::vector<Route> routes, bool tls = false) {
  Model model;
  model.ports[tls ? 443 : 80] = {.number = static_cast<uint16_t>(tls ? 443 : 80),
                                 .tls = tls,
                                 .routes = std::move(routes),
                                 .certificates = {},
                                 .passthroughs = {}};
  return model;
}

std::string pem(const pki::KeyPair& pair) { return pair.certificatePem + pair.keyPem; }

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

// What HAProxy itself says of a configuration.
class HAProxyConfig : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!base::findProgram("haproxy")) GTEST_SKIP() << "haproxy is not installed";
    directory_ = fs::path(::testing::TempDir()) / ("ingress-" + std::to_string(::getpid()));
    settings_.directory = directory_;
    settings_.user = "nobody";
    settings_.group = "nogroup";
    settings_.addresses = {"0.0.0.0", "::"};
  }
  void TearDown() override { fs::remove_all(directory_); }

  // "" when it takes it.
  std::string check(const Model& model) {
    shape_ = renderShape(model, settings_, certificate_);
    Endpoints endpoints;
    endpoints[{"default", "web", "http"}] = {{"10.244.0.5", 8080, "web-0"}, {"fd00::5", 8080, "web-1"}};
    std::map<std::string, Servers> servers;
    for (const auto& [name, section] : shape_.sections) {
      servers[name] = placeServers({}, wantedServers(section.backend, endpoints));
    }
    for (const auto* files : {&shape_.files, &shape_.certificates}) {
      for (const auto& [name, content] : *files) write(directory_ / name, content);
    }
    text_ = withServers(shape_, servers, settings_);
    write(directory_ / "haproxy.cfg", text_);
    base::Command command;
    command.argv = {"haproxy", "-c", "-q", "-f", (directory_ / "haproxy.cfg").string()};
    base::Finished finished = base::run(command);
    return finished.ok() ? finished.err : finished.out + finished.err + text_;
  }

  fs::path directory_;
  Settings settings_;
  Shape shape_;
  std::string text_;
  const std::string certificate_ =
      pem(pki::newAuthority("default", std::chrono::hours(24), base::Clock::system().now()));
};

TEST_F(HAProxyConfig, EverythingInTheModelIsTaken) {
  Backend all = to("web");
  all.shares.push_back({{"default", "canary", "http"}, 3});
  all.refusedWeight = 1;
  all.balance = Balance::kHash;
  all.hash = {{HashPart::Of::kSource, ""}, {HashPart::Of::kHeader, "X-User"}, {HashPart::Of::kCookie, "id"},
              {HashPart::Of::kQuery, "q"}, {HashPart::Of::kUri, ""},          {HashPart::Of::kHost, ""}};
  all.timeOuts = {std::chrono::seconds(1), std::chrono::seconds(2), std::chrono::seconds(3)};
  all.sources = SourceRanges{{"10.0.0.0/8", "fd00::/8"}, {"10.1.0.0/16"}};
  all.limit = RateLimit{10, 100, 5, 5, {"10.2.0.0/16"}};
  all.auth = BasicAuth{"Keep out", {{"ann", "$6$abc$def"}}};
  all.cors = Cors{{"https://*.example.com"}, {"GET", "PUT"}, {"X-A"}, {"X-B"}, true, std::chrono::seconds(60)};
  all.bodyLimit = 1 << 20;
  all.bufferRequest = true;
  all.path = {PathChange::Kind::kPrefix, "/new"};
  all.host = "inner.example.com";
  all.mirrors = {{{"default", "copies", "http"}, Protocol::kHttp2, 1, 3},
                 {{"default", "web", "http"}},
                 {{"default", "web", "tls"}, Protocol::kHttps, 1, 1, BackendTls{.caPem = certificate_}}};
  all.headers = {{HeaderChange::On::kRequest, HeaderChange::How::kSet, "X-A", "a 'b' \"c\" %[src] $HOME }"},
                 {HeaderChange::On::kResponse, HeaderChange::How::kAdd, "X-B", "b"},
                 {HeaderChange::On::kResponse, HeaderChange::How::kRemove, "Server", ""}};
  Backend sticky = to("web");
  sticky.sticky = StickyCookie{"route", "/x", "example.com", "Lax", true, std::chrono::seconds(60)};
  sticky.proxyProtocol = 2;
  Backend secure = to("web");
  secure.protocol = Protocol::kHttps;
  secure.tls = BackendTls{certificate_ + certificate_, "web.example.com", certificate_};
  Backend trusted = to("web");
  trusted.protocol = Protocol::kHttps2;
  trusted.tls = BackendTls{.serverName = "web.example.com", .systemAuthorities = true};
  Backend grpc = to("web");
  grpc.protocol = Protocol::kHttp2;
  Backend pods = to("web");
  pods.podRouting = PodRouting::kPath;
  Backend moved;
  moved.redirect = Redirect{};
  moved.redirect->scheme = "https";
  moved.redirect->status = 308;
  Backend answer;
  answer.answer = Answer{503, "text/plain", "a \"b\" 'c' }"};
  Conditions conditions{"GET",
                        {{ValueMatch::Of::kHeader, ValueMatch::How::kExact, "X-V", "}"},
                         {ValueMatch::Of::kQuery, ValueMatch::How::kRegex, "q", "a|b"},
                         {ValueMatch::Of::kCookie, ValueMatch::How::kExact, "c", "always"}},
                        10,
                        100};
  using Kind = PathMatch::Kind;
  Backend rewritten = to("web");
  rewritten.path = {PathChange::Kind::kRegex, "/$2"};
  std::vector<Route> routes = {route("a.example.com", {Kind::kPrefix, "/all"}, all),
                               route("a.example.com", {Kind::kPrefix, "/"}, sticky),
                               route("a.example.com", {Kind::kExact, "/grpc"}, grpc),
                               route("a.example.com", {Kind::kStart, "/s"}, secure),
                               route("a.example.com", {Kind::kStart, "/trusted"}, trusted),
                               route("a.example.com", {Kind::kPrefix, "/"}, to("web"), conditions),
                               route("r.example.com", {Kind::kRegex, "/api(/|$)(.*)"}, rewritten),
                               route("*.example.com", {Kind::kPrefix, "/pods"}, pods),
                               route("", {Kind::kPrefix, "/"}, moved),
                               route("", {Kind::kPrefix, "/no"}, answer)};
  routes[7].host.anyDepth = true;
  Model model = modelOf(routes);
  merge(model, modelOf(routes, true));
  model.ports[443].certificates = {{"default/web-tls", certificate_, {{"a.example.com", false}}}};
  model.ports[443].passthroughs = {{{"TLSRoute", "default", "pass"}, {"*.pass.example.com", true}, to("web")}};
  model.ports[443].passthroughs[0].to.protocol = Protocol::kTcp;
  model.ports[443].passthroughs[0].to.refusedWeight = 1;
  using End = Passthrough::End;
  const Origin origin{"TLSRoute", "default", "ended"};
  Backend stream = model.ports[443].passthroughs[0].to;
  stream.tls = BackendTls{.caPem = certificate_, .serverName = "in.example.com"};
  model.ports[443].passthroughs.push_back({origin, {"s.example.com"}, stream, End::kHere});
  model.ports[443].passthroughs.push_back({origin, {"*.example.com", true}, {}, End::kRoutes});
  model.ports[443].passthroughs.push_back({origin, {}, {}, End::kRefused});
  model.ports[8443] = {.number = 8443, .tls = true, .routes = {}, .certificates = {}, .passthroughs = {}};
  stream.preserveClientIp = {base::IpFamily::kIPv4};
  model.ports[8443].passthroughs = {{origin, {"s.example.com"}, stream, End::kHere}, {origin, {}, {}, End::kRefused}};
  EXPECT_EQ(check(model), "");
  EXPECT_TRUE(shape_.complaints.empty());
}

TEST_F(HAProxyConfig, WhatWouldBeReadInAnotherWayIsRefused) {
  std::vector<Backend> all;
  for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "Upgrade", "TE", "Trailer"}) {
    for (auto on : {HeaderChange::On::kRequest, HeaderChange::On::kResponse}) {
      all.push_back(to("web"));
      all.back().headers = {{on, HeaderChange::How::kSet, name, "1"}};
      all.push_back(to("web"));
      all.back().headers = {{on, HeaderChange::How::kRemove, name, ""}};
    }
  }
  for (const char* with : {"/a b", "/a?b", "/a#b", "/caf\xc3\xa9", "/a\r\nX: y", "/\x7f"}) {
    for (auto kind : {PathChange::Kind::kFull, PathChange::Kind::kPrefix, PathChange::Kind::kRegex}) {
      all.push_back(to("web"));
      all.back().path = {kind, with};
    }
  }
  for (const Backend& each : all) {
    const Shape shape = renderShape(modelOf({route("", {}, each)}), settings_, certificate_);
    EXPECT_EQ(shape.complaints.size(), 1U);
    EXPECT_NE(shape.text.find("http-request return status 503"), std::string::npos);
  }
}

TEST_F(HAProxyConfig, IsAnotherOneWhenServersAreSpokenToInAnotherWay) {
  auto shapeOf = [&](Protocol protocol, const std::string& serverName) {
    Backend backend = to("web");
    backend.protocol = protocol;
    backend.tls = BackendTls{.serverName = serverName};
    return renderShape(modelOf({route("a.example.com", {PathMatch::Kind::kPrefix, "/"}, backend)}), settings_, "");
  };
  const Shape shape = shapeOf(Protocol::kHttps, "a.example");
  EXPECT_TRUE(shape.isLike(shapeOf(Protocol::kHttps, "a.example")));
  EXPECT_FALSE(shape.isLike(shapeOf(Protocol::kHttps, "b.example")));
  EXPECT_FALSE(shape.isLike(shapeOf(Protocol::kHttp, "a.example")));
}

TEST_F(HAProxyConfig, ACertificateForAllHostsIsTheOneForNamesOfNoOther) {
  const Settings settings{.directory = "/d"};
  Port port{.number = 443, .tls = true, .routes = {}, .certificates = {}, .passthroughs = {}};
  port.certificates = {{"n/a", "pem", {{"a.example"}, {"*.a.example"}}}};
  EXPECT_EQ(certificateList(port, settings), "/d/certs/default.pem\n/d/certs/n_a.pem a.example *.a.example\n");
  port.certificates.push_back({"n/all", "pem", {{}, {"b.example"}}});
  port.certificates.push_back({"n/late", "pem", {{}}});
  EXPECT_EQ(certificateList(port, settings),
            "/d/certs/n_all.pem *\n/d/certs/n_a.pem a.example *.a.example\n/d/certs/n_all.pem b.example\n");
}

TEST_F(HAProxyConfig, ServersByTlsAreKnownByTheirCertificates) {
  auto wordsOf = [&](Protocol protocol, const BackendTls& tls) {
    Section section{"web", to("web"), {}, {}};
    section.backend.protocol = protocol;
    section.backend.tls = tls;
    return serverWords(section, {.directory = "/d"});
  };
  EXPECT_EQ(wordsOf(Protocol::kHttps, {.caPem = "pem", .serverName = "a.example"}),
            " ssl alpn h2,http/1.1 sni str(a.example) verify required ca-file /d/ca/web.pem verifyhost 'a.example'");
  EXPECT_EQ(wordsOf(Protocol::kHttps2, {.serverName = "a.example", .systemAuthorities = true}),
            " ssl alpn h2 sni str(a.example) verify required ca-file @system-ca verifyhost 'a.example'");
  EXPECT_EQ(wordsOf(Protocol::kHttps, {.caPem = "pem"}),
            " ssl alpn h2,http/1.1 sni var(txn.host) verify required ca-file /d/ca/web.pem");
  EXPECT_EQ(wordsOf(Protocol::kTcp, {.caPem = "pem", .serverName = "a.example"}),
            " ssl sni str(a.example) verify required ca-file /d/ca/web.pem verifyhost 'a.example'");
  EXPECT_EQ(wordsOf(Protocol::kHttps, {}), " ssl alpn h2,http/1.1 sni var(txn.host) verify none");
}

TEST_F(HAProxyConfig, ConnectionsAreLedByTheirNamesToWhereTheirTlsEnds) {
  settings_.addresses = {"0.0.0.0"};
  using End = Passthrough::End;
  auto passthrough = [&](const char* name, const HostPattern& host, End end) {
    Passthrough each{{"TLSRoute", "default", name}, host, {}, end};
    if (end == End::kBackend || end == End::kHere) each.to = to(name);
    each.to.protocol = Protocol::kTcp;
    return each;
  };
  auto textOf = [&](const std::vector<Route>& routes, std::vector<Passthrough> passthroughs) {
    Model model = modelOf(routes, true);
    Port& port = model.ports[443];
    port.number = 443;
    port.tls = true;
    port.passthroughs = std::move(passthroughs);
    std::string lines;
    const std::string text = renderShape(model, settings_, "").text;
    for (std::string_view line : base::split(text, '\n')) {
      const std::string_view trimmed = base::trim(line);
      for (std::string_view word :
           {"frontend port", "frontend stream", "frontend inner", "bind", "acl a", "use_backend", "default_backend"}) {
        if (trimmed.starts_with(word) && trimmed.find("8404") == trimmed.npos && trimmed.find("txn.") == trimmed.npos) {
          lines.append(trimmed).append("\n");
          break;
        }
      }
    }
    return base::replaceAll(lines, settings_.directory, "");
  };
  EXPECT_EQ(textOf({route("", {}, to("web"))}, {passthrough("all", {"*.example.com", true}, End::kBackend),
                                                passthrough("ended", {"s.example.com"}, End::kHere),
                                                passthrough("", {"a.example.com"}, End::kRoutes),
                                                passthrough("", {"s.example.com"}, End::kRefused)}),
            R"(frontend port-443
bind ipv4@0.0.0.0:443
acl a1 var(sess.sni) -m str -- 's.example.com'
use_backend stream-443 if a1
acl a2 var(sess.sni) -m str -- 'a.example.com'
use_backend inner-443 if a2
acl a3 var(sess.sni) -m str -- 's.example.com'
use_backend closed-443 if a3
acl a4 var(sess.sni) -m end -- '.example.com'
use_backend default:all:http if a4
default_backend inner-443
frontend stream-443
bind abns@wherry-443-stream accept-proxy ssl crt-list /certs/443.list
acl a5 var(sess.sni) -m str -- 's.example.com'
use_backend default:ended:http if a5
frontend inner-443
bind abns@wherry-443 accept-proxy ssl crt-list /certs/443.list alpn h2,http/1.1
)");
  EXPECT_EQ(textOf({}, {passthrough("ended", {"s.example.com"}, End::kHere), passthrough("", {}, End::kRefused)}),
            R"(frontend port-443
bind ipv4@0.0.0.0:443 ssl crt-list /certs/443.list
acl a1 var(sess.sni) -m str -- 's.example.com'
use_backend default:ended:http if a1
use_backend closed-443
)");
}

// The lines of the text that have one of these in them.
std::string linesWith(const std::string& text, const std::string& directory,
                      std::initializer_list<std::string_view> words) {
  std::string lines;
  for (std::string_view line : base::split(text, '\n')) {
    bool has = std::any_of(words.begin(), words.end(), [&](auto word) { return line.find(word) != line.npos; });
    if (has) lines.append(base::trim(line)).append("\n");
  }
  return base::replaceAll(lines, directory, "");
}

TEST_F(HAProxyConfig, ClientsWhoAreSeenHaveBackendsOfTheirOwn) {
  settings_.podRanges = {"10.244.0.0/16", "fd00:10:244::/56"};
  Backend seen = to("web");
  seen.preserveClientIp = {base::IpFamily::kIPv4, base::IpFamily::kIPv6};
  using Kind = PathMatch::Kind;
  Model model = modelOf(
      {route("a.example.com", {Kind::kPrefix, "/"}, seen), route("b.example.com", {Kind::kPrefix, "/"}, to("web"))});
  EXPECT_EQ(check(model), "");
  EXPECT_TRUE(shape_.preservesClientIp);
  EXPECT_EQ(linesWith(text_, directory_, {"acl a", "use_backend", "user ", "chroot"}),
            R"(acl a1 src 0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/3 ::/96 fe80::/10 ff00::/8
acl a1 src '10.244.0.0/16'
acl a1 src 'fd00:10:244::/56'
acl a1 src -m beg ::ffff:
acl a2 src -m sub .
acl a3 src -m sub :
use_backend %[var(txn.to),map_str(/maps/80-clients4.map)] if a2 !a1 { var(txn.to),map_str(/maps/80-clients4.map) -m found }
use_backend %[var(txn.to),map_str(/maps/80-clients6.map)] if a3 !a1 { var(txn.to),map_str(/maps/80-clients6.map) -m found }
use_backend %[var(txn.to),map_str(/maps/80-routes.map)]
)");
  EXPECT_EQ(shape_.files.at("maps/80-clients4.map"), "r80-0 default:web:http:ipv4\n");
  EXPECT_EQ(shape_.files.at("maps/80-clients6.map"), "r80-0 default:web:http:ipv6\n");
  EXPECT_EQ(shape_.files.at("maps/80-routes.map"), "r80-0 default:web:http\nr80-1 default:web:http\n");
  for (std::string_view server : {"10.244.0.5:8080 source 0.0.0.0 usesrc clientip", "[::] usesrc clientip"}) {
    EXPECT_NE(text_.find(server), std::string::npos) << server << "\n" << text_;
  }
}

TEST_F(HAProxyConfig, WithoutThemNothingIsSaidOfClients) {
  EXPECT_EQ(check(modelOf({route("a.example.com", {PathMatch::Kind::kPrefix, "/"}, to("web"))})), "");
  EXPECT_FALSE(shape_.preservesClientIp);
  EXPECT_EQ(linesWith(text_, directory_, {"src -m", "clients4", "usesrc", "user ", "chroot"}),
            "user nobody\nchroot /empty\n");
}

}  // namespace
}  // namespace wherry::ingress

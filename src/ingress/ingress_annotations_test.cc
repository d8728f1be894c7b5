#include "ingress/ingress_annotations.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "ingress/ingress_test_world.h"
#include "pki/certificate.h"

namespace wherry::ingress {
namespace {

struct Row {
  const char* sentence;
  const char* annotations;  // YAML, without the prefix nginx.ingress.kubernetes.io/ where there is no slash
  const char* expected;     // the backend, and complaints after it
  const char* path = "/x";
  const char* type = "Prefix";
};

std::string withPrefix(std::string_view annotations) {
  auto tree = json::parseYaml(annotations);
  json::Object named;
  for (const auto& [key, value] : tree.as_object()) {
    const bool has = std::string_view(key).find('/') != std::string_view::npos;
    named[(has ? "" : "nginx.ingress.kubernetes.io/") + std::string(key)] = value;
  }
  return json::serialize(named);
}

std::string compiled(const IngressWorld& base, const Row& row, std::string_view host = "a.example.com") {
  IngressWorld world = base;
  world.has(ingressYaml("i", "rules: [" + ruleYaml(host, row.path, row.type) + "]", withPrefix(row.annotations)));
  std::string text;
  const auto result = world.compile();
  for (const Route& route : result.model.ports.at(443).routes) {
    const std::string usual = std::string(host) + textOf(PathMatch{PathMatch::Kind::kPrefix, row.path});
    std::string line = textOf(route);
    if (line.starts_with(usual + " -> ")) line = line.substr(usual.size() + 4);
    text += (text.empty() ? "" : "\n") + line;
  }
  for (const Complaint& each : result.complaints) text += "\n" + each.reason + ": " + each.message;
  return text;
}

void expectAll(const IngressWorld& world, const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(compiled(world, row), row.expected) << row.sentence << ": " << row.annotations;
}

const std::string kClosed = "; until this is put right, all requests are answered with 503";

TEST(IngressAnnotations, AboutBackends) {
  expectAll(
      IngressWorld(),
      {
          {"nothing", "{}", "shop/web:http"},
          {"encrypted", "{backend-protocol: HTTPS}", "shop/web:http; https"},
          {"gRPC", "{backend-protocol: GRPC}", "shop/web:http; http2"},
          {"gRPC, encrypted", "{backend-protocol: grpcs}", "shop/web:http; https2"},
          {"FastCGI", "{backend-protocol: FCGI}",
           "shop/web:http\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/backend-protocol: \"FCGI\" is "
           "none of "
           "HTTP, HTTPS, GRPC and GRPCS, the only ones that can be spoken"},
          {"time", "{proxy-connect-timeout: '7', proxy-read-timeout: '3600', proxy-send-timeout: '30'}",
           "shop/web:http; connect 7000ms; read 3600000ms"},
          {"a longer time to send", "{proxy-send-timeout: '90'}", "shop/web:http; read 90000ms"},
          {"a shorter time to send", "{proxy-send-timeout: '9'}", "shop/web:http"},
          {"no time", "{proxy-read-timeout: 1h}",
           "shop/web:http\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/proxy-read-timeout: \"1h\" is not "
           "a "
           "number of seconds"},
          {"tries", "{proxy-next-upstream-tries: '1'}", "shop/web:http; retries 0"},
          {"no tries", "{proxy-next-upstream: 'off'}", "shop/web:http; retries 0"},
          {"sizes", "{proxy-body-size: 8m}", "shop/web:http; body 8388608"},
          {"any size", "{proxy-body-size: '0'}", "shop/web:http"},
          {"buffered", "{proxy-request-buffering: 'on'}", "shop/web:http; buffered"},
          {"another host", "{upstream-vhost: 'inner.example.com:81'}", "shop/web:http; host inner.example.com:81"},
          {"a prefix", "{x-forwarded-prefix: /x}", "shop/web:http; X-Forwarded-Prefix: /x"},
          {"the least", "{load-balance: least_conn}", "shop/web:http; least"},
          {"by address", "{load-balance: ip_hash}", "shop/web:http; hash source"},
          {"by latency", "{load-balance: ewma}",
           "shop/web:http\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/load-balance: \"ewma\" is none of "
           "round_robin, least_conn and ip_hash"},
          {"by a URI and more", "{upstream-hash-by: '${request_uri}-x$host$http_x_user_id$cookie_a$arg_b$remote_addr'}",
           "shop/web:http; hash uri; hash host; hash header x-user-id; hash cookie a; hash query b; hash source"},
          {"by the weather", "{upstream-hash-by: $weather}",
           "shop/web:http\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/upstream-hash-by: \"$weather\" "
           "has a "
           "variable that requests can't be told apart by here"},
          {"the client's address", "{wherry.dev/send-proxy-protocol: v2}", "shop/web:http; proxy v2"},
          {"the client's address as the source", "{wherry.dev/preserve-client-ip: 'true'}",
           "shop/web:http; client IPv4"},
          {"which isn't asked for", "{wherry.dev/preserve-client-ip: 'false'}", "shop/web:http"},
          {"which is no answer", "{wherry.dev/preserve-client-ip: v4}",
           "shop/web:http\nInvalidAnnotation: annotation wherry.dev/preserve-client-ip: \"v4\" is neither \"true\" nor "
           "\"false\""},
          {"which is no nginx's", "{send-proxy-protocol: v2}",
           "shop/web:http\nUnknownAnnotation: annotation \"nginx.ingress.kubernetes.io/send-proxy-protocol\" is not "
           "known "
           "here"},
          {"ours wins", "{wherry.dev/proxy-body-size: 1k, proxy-body-size: 2k}", "shop/web:http; body 1024"},
      });
}

TEST(IngressAnnotations, AboutPaths) {
  const Row rows[] = {
      {"rewritten whole", "{rewrite-target: /}", "shop/web:http; path /"},
      {"groups", "{rewrite-target: /$2, use-regex: 'true'}",
       "a.example.com~(?:/x(/|$)(.*)) -> shop/web:http; path ~/$2", "/x(/|$)(.*)", "ImplementationSpecific"},
      {"groups without a word about it", "{rewrite-target: /$2}",
       "a.example.com~(?:/x(/|$)(.*)) -> shop/web:http; path ~/$2", "/x(/|$)(.*)", "Prefix"},
      {"a group that isn't there", "{rewrite-target: /y$3}", "a.example.com~/x(.*) -> shop/web:http; path /y",
       "/x(.*)"},
      {"an expression", "{use-regex: 'true'}", "a.example.com~/v[0-9]+ -> shop/web:http", "/v[0-9]+"},
      {"Exact stays exact", "{use-regex: 'true'}", "a.example.com/x$ -> shop/web:http", "/x", "Exact"},
      {"looking around", "{use-regex: 'true'}",
       "\nInvalidPath: path \"/(?!api)\" is not a regular expression that can be used here (without looking around); "
       "it "
       "leads nowhere",
       "/(?!api)"},
      {"a variable", "{rewrite-target: /$host}",
       "shop/web:http\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/rewrite-target: \"/$host\" is not a "
       "path, "
       "in which $1 to $9 may stand for parts of the former one"},
  };
  expectAll(IngressWorld(), {std::begin(rows), std::end(rows)});
}

TEST(IngressAnnotations, AboutWhoComesIn) {
  const auto closed = [](std::string text) { return "503\n" + std::move(text) + kClosed; };
  IngressWorld world;
  expectAll(
      world,
      {
          {"networks", "{whitelist-source-range: '10.1.2.3/8, 192.0.2.1'}",
           "shop/web:http; allow 10.0.0.0/8; allow 192.0.2.1"},
          {"by the newer name", "{allowlist-source-range: 'fd00::/8', denylist-source-range: 10.0.0.1}",
           "shop/web:http; allow fd00::/8; deny 10.0.0.1"},
          {"rates", "{limit-rps: '5', limit-rpm: '100', limit-connections: '3', limit-whitelist: 10.0.0.0/8}",
           "shop/web:http; limit 5/s 100/min 3 at once x5 10.0.0.0/8"},
          {"bursts", "{limit-rps: '5', limit-burst-multiplier: '2'}", "shop/web:http; limit 5/s 0/min 0 at once x2 "},
          {"no limit at all", "{limit-rps: '0'}", "shop/web:http"},
      });
  EXPECT_EQ(
      compiled(world, {"", "{whitelist-source-range: 10.0.0.0/33}", ""}),
      closed("InvalidAnnotation: annotation nginx.ingress.kubernetes.io/whitelist-source-range: \"10.0.0.0/33\" is "
             "not a list of networks (\"10.0.0.0/8, 192.0.2.1\")"));
  EXPECT_EQ(compiled(world, {"", "{limit-rps: many}", ""}),
            closed("InvalidAnnotation: annotation nginx.ingress.kubernetes.io/limit-rps: \"many\" is not a number"));
  EXPECT_EQ(compiled(world, {"", "{auth-url: 'http://x'}", ""}),
            closed("UnsupportedAnnotation: annotation nginx.ingress.kubernetes.io/auth-url is not supported: no other "
                   "server can be asked for permission"));
  EXPECT_EQ(compiled(world, {"", "{server-snippet: 'location / { deny all; }'}", ""}),
            closed("UnsupportedAnnotation: annotation nginx.ingress.kubernetes.io/server-snippet is not supported: the "
                   "configuration is no nginx's"));
  EXPECT_EQ(compiled(world, {"", "{configuration-snippet: 'more_set_headers \"A: b\";'}", ""}),
            "shop/web:http\nUnsupportedAnnotation: annotation nginx.ingress.kubernetes.io/configuration-snippet is not "
            "supported: the configuration is no nginx's");
  EXPECT_EQ(
      compiled(world, {"", "{enable-modsecurity: 'false', ssl-passthrough: 'false', proxy-buffering: 'off'}", ""}),
      "shop/web:http");
}

TEST(IngressAnnotations, AboutPasswords) {
  IngressWorld world;
  const auto secret = [](std::string_view name, std::string_view key, std::string_view text) {
    return fmt::format("kind: Secret\nmetadata: {{name: {}, namespace: shop}}\ndata: {{{}: {}}}\n", name, key,
                       base::encodeBase64(text));
  };
  world.has(secret("file", "auth",
                   "# people\njane:$2y$05$abc\nold:$apr1$x$y\nsha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nnobody\n"));
  world.has(secret("old", "auth", "foo:$apr1$OFG3Xybp$ckL0FHDAkoXYIlH9.cysT0\n"));
  world.has(secret("map", "jim", "$6$salt$hash\n"));
  world.has(secret("empty", "other", "x"));
  const std::string better = "make it with `htpasswd -B` (bcrypt) or `openssl passwd -6` (SHA-512)";
  EXPECT_EQ(
      compiled(world,
               {"", "{auth-type: basic, auth-secret: shop/map, auth-secret-type: auth-map, auth-realm: Home}", ""}),
      "shop/web:http; auth \"Home\" jim=$6$salt$hash");
  EXPECT_EQ(
      compiled(world, {"", "{auth-type: basic, auth-secret: file}", ""}),
      "shop/web:http; auth \"Authentication Required\" jane=$2y$05$abc\n"
      "InvalidPassword: Secret \"file\": user \"old\" can't come in: a hash of the form $apr1$ can't be checked "
      "here, " +
          better +
          "\nInvalidPassword: Secret \"file\": user \"sha\" can't come in: a hash of the form {SHA} can't be checked "
          "here, " +
          better + "\nInvalidPassword: Secret \"file\": a line is not \"name:hash\"");
  EXPECT_EQ(
      compiled(world, {"", "{auth-type: basic, auth-secret: old}", ""}),
      "503\nInvalidPassword: Secret \"old\": user \"foo\" can't come in: a hash of the form $apr1$ can't be checked "
      "here, " +
          better + "\nInvalidPassword: Secret \"old\" has no user who could come in" + kClosed);
  EXPECT_EQ(compiled(world, {"", "{auth-type: basic, auth-secret: empty}", ""}),
            "503\nInvalidPassword: Secret \"empty\": it has no key \"auth\"\n"
            "InvalidPassword: Secret \"empty\" has no user who could come in" +
                kClosed);
  EXPECT_EQ(compiled(world, {"", "{auth-type: basic, auth-secret: nope}", ""}),
            "503\nSecretNotFound: auth-secret: Secret \"nope\" not found" + kClosed);
  EXPECT_EQ(compiled(world, {"", "{auth-type: basic, auth-secret: other/map}", ""}),
            "503\nInvalidAnnotation: auth-secret: \"other/map\" is of another namespace" + kClosed);
  EXPECT_EQ(compiled(world, {"", "{auth-type: basic}", ""}),
            "503\nInvalidAnnotation: auth-type asks for passwords, and no auth-secret says which" + kClosed);
  EXPECT_EQ(
      compiled(world, {"", "{auth-type: digest, auth-secret: map}", ""}),
      "503\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/auth-type: \"digest\" is not \"basic\", the only "
      "way to ask for a name and a password here" +
          kClosed);
}

TEST(IngressAnnotations, AboutOrigins) {
  expectAll(IngressWorld(),
            {
                {"as usual", "{enable-cors: 'true'}",
                 "shop/web:http; cors * GET,PUT,POST,DELETE,PATCH,OPTIONS DNT,Keep-Alive,User-Agent,X-Requested-With,"
                 "If-Modified-Since,Cache-Control,Content-Type,Range,Authorization  credentials 1728000s"},
                {"in detail",
                 "{enable-cors: 'true', cors-allow-origin: 'https://*.example.com:8443, http://a.example', "
                 "cors-allow-methods: "
                 "'PUT, GET', cors-allow-headers: X-A, cors-expose-headers: '*, X-B', cors-allow-credentials: 'false', "
                 "cors-max-age: '600'}",
                 "shop/web:http; cors https://*.example.com:8443,http://a.example PUT,GET X-A *,X-B 600s"},
                {"not switched on", "{cors-max-age: '600'}", "shop/web:http"},
                {"half an origin", "{enable-cors: 'true', cors-allow-origin: 'https://a.example, b.example'}",
                 "shop/web:http\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/cors-allow-origin: "
                 "\"https://a.example, b.example\" is not a list of what it should be; no headers of CORS are sent"},
            });
}

TEST(IngressAnnotations, AboutSessions) {
  expectAll(
      IngressWorld(),
      {
          {"as usual", "{affinity: cookie}", "shop/web:http; sticky INGRESSCOOKIE"},
          {"in detail",
           "{affinity: cookie, session-cookie-name: route, session-cookie-path: /x, session-cookie-domain: "
           "example.com, "
           "session-cookie-samesite: strict, session-cookie-secure: 'true', session-cookie-max-age: '60', "
           "session-cookie-expires: '90', affinity-mode: persistent}",
           "shop/web:http; sticky route /x example.com Strict secure 60s"},
          {"of old", "{affinity: cookie, session-cookie-expires: '90'}", "shop/web:http; sticky INGRESSCOOKIE 90s"},
          {"not a name", "{affinity: cookie, session-cookie-name: 'a b'}",
           "shop/web:http; sticky INGRESSCOOKIE\nInvalidAnnotation: annotation "
           "nginx.ingress.kubernetes.io/session-cookie-name: \"a b\" can't be the name of a cookie"},
      });
}

TEST(IngressAnnotations, AboutRedirects) {
  expectAll(
      IngressWorld(),
      {
          {"for good", "{permanent-redirect: 'https://example.org/y'}", "301 https://example.org/y"},
          {"with a code", "{permanent-redirect: 'https://example.org', permanent-redirect-code: '308'}",
           "308 https://example.org"},
          {"for now", "{temporal-redirect: /elsewhere}", "302 /elsewhere"},
          {"with the request's own parts", "{permanent-redirect: 'https://new.example.org:8443$request_uri'}",
           "301 https://new.example.org:8443"},
          {"to an address", "{permanent-redirect: 'https://[FD00::1]:8443$request_uri'}", "301 https://[fd00::1]:8443"},
          {"to an address alone", "{permanent-redirect: 'https://[fd00::1]$request_uri'}", "301 https://[fd00::1]"},
          {"all of them", "{temporal-redirect: '$scheme://www.example.org$request_uri'}", "302 *://www.example.org"},
          {"with another path", "{temporal-redirect: 'https://$host/y'}", "302 https://*/y"},
          {"with other variables", "{permanent-redirect: 'https://$weather'}",
           "shop/web:http\nInvalidAnnotation: permanent-redirect: \"https://$weather\" is no URL ($scheme, $host and, "
           "at the "
           "end, $request_uri may stand in it); it is ignored"},
          {"a code of errors", "{permanent-redirect: 'https://a.b', permanent-redirect-code: '500'}",
           "301 https://a.b\nInvalidAnnotation: annotation nginx.ingress.kubernetes.io/permanent-redirect-code: "
           "\"500\" is "
           "none of 301, 302, 303, 307 and 308"},
          {"the root", "{app-root: /app}", "shop/web:http; 302 *://*/app at /", "/"},
          {"which isn't there", "{app-root: /app}",
           "shop/web:http; 302 *://*/app at /\nInvalidAnnotation: app-root: none of the paths is \"/\", which it would "
           "lead "
           "elsewhere"},
      });
  IngressWorld world;
  world.has(ingressYaml("i", "rules: [" + ruleYaml("a.example.com", "/", "Prefix", "nope") + "]",
                        "{wherry.dev/permanent-redirect: 'https://b.example', wherry.dev/force-ssl-redirect: 'true'}"));
  EXPECT_EQ(world.routes(443), "a.example.com/ -> 301 https://b.example\n");
  EXPECT_EQ(world.routes(80), "a.example.com/ -> 308 https://*\n");
  EXPECT_EQ(world.complaints(), "");
}

TEST(IngressAnnotations, AboutOnePod) {
  const IngressWorld world;
  EXPECT_EQ(compiled(world, {"", "{wherry.dev/route-to-pod: host}", ""}, "*.db.example.com"),
            "shop/web:http; pod host");
  EXPECT_EQ(compiled(world, {"", "{wherry.dev/route-to-pod: path}", "", "/db"}), "shop/web:http; pod path");
  EXPECT_EQ(
      compiled(world, {"", "{wherry.dev/route-to-pod: host}", ""}),
      "shop/web:http\nInvalidAnnotation: wherry.dev/route-to-pod: host needs a host of the form \"*.example.com\", not "
      "a.example.com");
  EXPECT_EQ(compiled(world, {"", "{wherry.dev/route-to-pod: path}", "", "/db", "Exact"}),
            "a.example.com/db$ -> shop/web:http\nInvalidAnnotation: wherry.dev/route-to-pod: path needs a path of type "
            "Prefix, which a.example.com/db is not");
}

TEST(IngressAnnotations, AboutCertificatesOfBackends) {
  const auto authority =
      pki::newAuthority("ca", std::chrono::hours(24), base::WallTime(std::chrono::seconds(1'767'225'600)));
  IngressWorld world;
  const auto data = [](std::string_view text) { return base::encodeBase64(text); };
  world.has(fmt::format(
      "kind: Secret\nmetadata: {{name: ca, namespace: shop}}\ndata: {{ca.crt: {}, tls.crt: {}, tls.key: {}}}\n",
      data(authority.certificatePem), data(authority.certificatePem), data(authority.keyPem)));
  world.has("kind: Secret\nmetadata: {name: none, namespace: shop}\ndata: {}\n");
  EXPECT_EQ(compiled(world, {"",
                             "{backend-protocol: HTTPS, proxy-ssl-secret: shop/ca, proxy-ssl-verify: 'on', "
                             "proxy-ssl-name: inner.example.com}",
                             ""}),
            "shop/web:http; https; tls inner.example.com ca client");
  EXPECT_EQ(
      compiled(world, {"", "{proxy-ssl-verify: 'on', proxy-ssl-secret: none}", ""}),
      "503\nInvalidCertificate: Secret \"none\" for backends: there is no certificate in PEM form in it" + kClosed);
  EXPECT_EQ(compiled(world, {"", "{proxy-ssl-verify: 'on'}", ""}),
            "503\nInvalidAnnotation: proxy-ssl-verify asks for what only an authority's certificate can say: "
            "proxy-ssl-secret names none" +
                kClosed);
}

TEST(IngressAnnotations, NothingUnprintableIsPassedOn) {
  const IngressWorld world;
  for (const char* annotations :
       {R"({auth-realm: "a\nb"})", R"({upstream-vhost: "a\r\nb"})", R"({session-cookie-name: "a\0b"})",
        R"({x-forwarded-prefix: "/a\nb"})", R"({permanent-redirect: "https://a\n.b"})", R"({app-root: "/a\tb"})",
        R"({rewrite-target: "/a\u0001"})", R"({cors-allow-headers: "a\nb"})", R"({server-alias: "a\nb.c"})"}) {
    const std::string text = compiled(world, {"", annotations, ""});
    EXPECT_TRUE(text.starts_with("shop/web:http\nInvalidAnnotation: ")) << text;
    EXPECT_EQ(text.find_first_of(std::string("\r\t\1\0", 4)), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace wherry::ingress

#include "ingress/backend_text.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "ingress/body_limit.h"
#include "ingress/mirror_text.h"
#include "ingress/plain_path.h"
#include "ingress/quoting.h"

namespace wherry::ingress {
namespace {

using Ms = std::chrono::milliseconds;

constexpr std::array kRedirectCodes = {301, 302, 303, 307, 308};
// Headers of a connection, not of a message: with them it would be read in another way than it was written.
constexpr std::array<std::string_view, 8> kFraming = {
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"};

// Words don't fit into one line by the hundred: one ACL in many lines.
std::string aclOf(ConfigText& text, const std::string& what, const std::vector<std::string>& values) {
  std::string acl = text.nextAcl();
  for (const std::string& value : values) text.line("  acl {} {} -- {}", acl, what, word(value));
  return acl;
}

void renderSources(const SourceRanges& sources, ConfigText& text) {
  if (!sources.deny.empty()) text.line("  http-request deny deny_status 403 if {}", aclOf(text, "src", sources.deny));
  if (!sources.allow.empty()) {
    text.line("  http-request deny deny_status 403 unless {}", aclOf(text, "src", sources.allow));
  }
}

// nginx lets a client be `burst` times its rate ahead. Here a window of ten periods may have ten and the burst.
constexpr uint32_t kWindow = 10;

void renderLimit(const std::string& name, const RateLimit& limit, ConfigText& text) {
  std::string exempt = limit.exempt.empty() ? "" : " unless " + aclOf(text, "src", limit.exempt);
  std::string within = limit.exempt.empty() ? "" : " !" + exempt.substr(8);
  if (limit.perSecond || limit.connections) {
    text.line("  http-request track-sc1 src table {}:second{}", name, exempt);
  }
  if (limit.perMinute) text.line("  http-request track-sc2 src table {}:minute{}", name, exempt);
  uint64_t periods = kWindow + limit.burst;
  if (limit.perSecond) {
    text.line("  http-request deny deny_status 429 if {{ sc1_http_req_rate gt {} }}{}", limit.perSecond * periods,
              within);
  }
  if (limit.connections) {
    text.line("  http-request deny deny_status 429 if {{ sc1_conn_cur gt {} }}{}", limit.connections, within);
  }
  if (limit.perMinute) {
    text.line("  http-request deny deny_status 429 if {{ sc2_http_req_rate gt {} }}{}", limit.perMinute * periods,
              within);
  }
}

void renderLimitTables(const std::string& name, const RateLimit& limit, ConfigText& text) {
  if (limit.perSecond || limit.connections) {
    text.line("backend {}:second", name);
    text.line("  stick-table type ipv6 size 100k expire {0}s store http_req_rate({0}s),conn_cur", kWindow);
  }
  if (limit.perMinute) {
    text.line("backend {}:minute", name);
    text.line("  stick-table type ipv6 size 100k expire {0}m store http_req_rate({0}m)", kWindow);
  }
}

void renderUsers(const std::string& name, const BasicAuth& auth, ConfigText& text) {
  text.line("userlist {}", name);
  for (const auto& [user, hash] : auth.users) text.line("  user {} password {}", word(user), word(hash));
}

void renderAuth(const std::string& name, const BasicAuth& auth, ConfigText& text) {
  if (auth.realm.find_first_of("\"\\") != std::string::npos) throw Unsayable("a realm has a quote or backslash in it");
  text.line("  http-request auth realm {} unless {{ http_auth({}) }}", word(auth.realm), name);
}

std::string joined(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ", ")); }

// "https://*.example.com": one label, as with hosts of Ingresses.
std::string originRegex(std::string_view origin) {
  std::string regex = "^";
  for (char c : origin) {
    bool isPlain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    regex += c == '*' ? "[^./:]+" : isPlain ? std::string(1, c) : std::string{'\\', c};
  }
  return regex + "$";
}

std::string allowed(std::string_view what, const std::vector<std::string>& values) {
  return values.empty() ? "" : fmt::format(" hdr access-control-allow-{} {}", what, literalFormat(joined(values)));
}

void renderCors(const Cors& cors, ConfigText& text) {
  bool isForAll = std::find(cors.origins.begin(), cors.origins.end(), "*") != cors.origins.end();
  if (isForAll) {
    text.line("  http-request set-var(txn.cors) str(*) if {{ req.fhdr(origin) -m found }}");
  } else {
    std::vector<std::string> patterns;
    for (const std::string& origin : cors.origins) patterns.push_back(originRegex(origin));
    text.line("  http-request set-var(txn.cors) req.fhdr(origin) if {}",
              aclOf(text, "req.fhdr(origin) -m reg -i", patterns));
  }
  std::string credentials = cors.credentials ? " hdr access-control-allow-credentials true" : "";
  text.line(
      "  http-request return status 204 hdr access-control-allow-origin %[var(txn.cors)]{} hdr vary Origin{}{}"
      " hdr access-control-max-age {}"
      " if METH_OPTIONS {{ var(txn.cors) -m found }} {{ req.hdr(access-control-request-method) -m found }}",
      credentials, allowed("methods", cors.methods), allowed("headers", cors.headers), cors.maxAge.count());
  const char* found = "if { var(txn.cors) -m found }";
  text.line("  http-response set-header access-control-allow-origin %[var(txn.cors)] {}", found);
  if (cors.credentials) text.line("  http-response set-header access-control-allow-credentials true {}", found);
  if (!isForAll) text.line("  http-response add-header vary Origin {}", found);
  if (!cors.exposed.empty()) {
    text.line("  http-response set-header access-control-expose-headers {} {}", literalFormat(joined(cors.exposed)),
              found);
  }
}

std::string prefixOf(const PathMatch& path) {
  std::string prefix = spelledPath(path.text);
  while (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

void refuseForeign(const PathChange& change) {
  auto isForeign = [](char c) { return c <= ' ' || c == 0x7f || c == '?' || c == '#'; };  // beyond ASCII: negative
  if (std::any_of(change.with.begin(), change.with.end(), isForeign)) {
    throw Unsayable("a path that others are replaced with has characters that no path has");
  }
}

void renderPath(const PathChange& change, const PathMatch& path, ConfigText& text) {
  refuseForeign(change);
  if (change.kind == PathChange::Kind::kFull) text.line("  http-request set-path {}", literalFormat(change.with));
  if (change.kind == PathChange::Kind::kRegex) {
    text.line("  http-request replace-path {} {}", expression(anchored(path.text)), replacement(change.with));
  }
  if (change.kind != PathChange::Kind::kPrefix) return;
  std::string with = change.with;
  while (with.ends_with('/')) with.pop_back();
  // Without its slash the rest of the path is never empty, but may be nothing.
  size_t length = prefixOf(path).size();
  text.line("  http-request set-var(txn.rest) path,bytes({})", with.empty() ? length + 1 : length);
  text.line("  http-request set-path {}", formatWord(formatPart(with.empty() ? "/" : with) + "%[var(txn.rest)]"));
}

void renderRedirect(const Redirect& redirect, const PathMatch& path, ConfigText& text) {
  if (std::find(kRedirectCodes.begin(), kRedirectCodes.end(), redirect.status) == kRedirectCodes.end()) {
    throw Unsayable(fmt::format("{} is no status of a redirect", redirect.status));
  }
  std::string location = formatPart(redirect.location);
  if (location.empty()) {
    std::string scheme = redirect.scheme.empty() ? "%[ssl_fc,iif(https,http)]" : formatPart(redirect.scheme);
    std::string host = redirect.host.empty() ? "%[var(txn.host)]" : formatPart(redirect.host);
    bool isUsual = redirect.port == (redirect.scheme == "https" ? 443 : redirect.scheme == "http" ? 80 : 0);
    // ":8080" of "a.example.com:8080" and of "[fd00::1]:8080".
    std::string port = redirect.port == 0 && redirect.scheme.empty()
                           ? R"(%[req.hdr(host),regsub(^.*\x5d,),regsub(^[^:]*,)])"
                       : isUsual || redirect.port == 0 ? ""
                                                       : fmt::format(":{}", redirect.port);
    location = fmt::format("{}://{}{}%[pathq]", scheme, host, port);
  }
  if (redirect.onlyPath.empty()) {
    renderPath(redirect.path, path, text);
    return text.line("  http-request redirect code {} location {}", redirect.status, formatWord(location));
  }
  // Other paths stay as they are.
  text.line("  http-request set-var(txn.only) bool(true) if {}", aclOf(text, "path -m str", {redirect.onlyPath}));
  constexpr auto kOnly = "if { var(txn.only) -m found }";
  if (redirect.path.kind == PathChange::Kind::kFull) {
    text.line("  http-request set-path {} {}", literalFormat(redirect.path.with), kOnly);
  }
  text.line("  http-request redirect code {} location {} {}", redirect.status, formatWord(location), kOnly);
}

void renderAnswer(const Answer& answer, ConfigText& text) {
  std::string body =
      answer.body.empty()
          ? ""
          : fmt::format(" content-type {} string {}",
                        word(answer.contentType.empty() ? "text/plain" : answer.contentType), word(answer.body));
  text.line("  http-request return status {}{}", answer.status, body);
}

void renderHeader(const HeaderChange& change, ConfigText& text) {
  const char* when = change.on == HeaderChange::On::kRequest ? "http-request" : "http-response";
  std::string name = argument(change.name);
  if (std::find(kFraming.begin(), kFraming.end(), base::toLower(name)) != kFraming.end()) {
    throw Unsayable(fmt::format("header {} is the connection's, and can't be changed", name));
  }
  if (change.how == HeaderChange::How::kRemove) {
    text.line("  {} del-header {}", when, name);
  } else {
    text.line("  {} {}-header {} {}", when, change.how == HeaderChange::How::kSet ? "set" : "add", name,
              literalFormat(change.value));
  }
}

std::string hashSample(const HashPart& part) {
  switch (part.of) {
    case HashPart::Of::kSource:
      return "src";
    case HashPart::Of::kUri:
      return "pathq";
    case HashPart::Of::kPath:
      return "path";
    case HashPart::Of::kHost:
      return "var(txn.host)";
    case HashPart::Of::kHeader:
      return fmt::format("req.fhdr({})", argument(part.name));
    case HashPart::Of::kCookie:
      return fmt::format("req.cook({})", argument(part.name));
    case HashPart::Of::kQuery:
      return fmt::format("url_param({})", argument(part.name));
  }
  return "src";
}

void renderBalance(const Backend& backend, ConfigText& text) {
  if (backend.balance == Balance::kHash && !backend.hash.empty()) {
    text.line("  http-request set-var(txn.hash) str()");
    for (const HashPart& part : backend.hash) {
      text.line("  http-request set-var(txn.part) {}", hashSample(part));
      text.line("  http-request set-var(txn.hash) var(txn.hash),concat(,txn.part,/)");
    }
    text.line("  balance hash var(txn.hash)");
    text.line("  hash-type consistent");
  } else {
    text.line("  balance {}", backend.balance == Balance::kLeastConnections ? "leastconn" : "roundrobin");
  }
}

void renderSticky(const StickyCookie& cookie, const Settings& settings, ConfigText& text) {
  std::string words = fmt::format("  cookie {} insert indirect nocache dynamic httponly", argument(cookie.name));
  if (cookie.secure) words += " secure";
  if (!cookie.domain.empty()) words += " domain " + word(cookie.domain);
  auto attribute = [&](std::string_view name, std::string_view value) {
    if (value.find(';') != std::string_view::npos) throw Unsayable("an attribute of a cookie has a semicolon in it");
    if (!value.empty()) words += " attr " + word(fmt::format("{}={}", name, value));
  };
  attribute("Path", cookie.path);
  attribute("SameSite", cookie.sameSite);
  if (cookie.maxAge.count() > 0) attribute("Max-Age", std::to_string(cookie.maxAge.count()));
  text.line("{}", words);
  text.line("  dynamic-cookie-key {}", word(settings.cookieKey));
}

// Only what stands in the path as the route has it can be cut off or replaced: another spelling would come through as
// it is, to where the route doesn't lead.
void renderOwnSpelling(const PathMatch& path, ConfigText& text) {
  text.line("  http-request normalize-uri path-merge-slashes");
  const std::string own = text.nextAcl();
  text.line("  acl {} {}", own, spelledPathWords(path));
  text.line("  http-request deny deny_status 400 unless {}", own);
}

// Which pod is meant, and where it is: the map of pods is kept by the runtime API.
void renderPod(const Section& section, const Settings& settings, ConfigText& text) {
  if (section.backend.podRouting == PodRouting::kHost) {
    text.line("  http-request set-var(txn.pod) var(txn.host),field(1,.)");
  } else {
    std::string prefix = prefixOf(section.path);
    text.line("  http-request set-var(txn.pod) path,bytes({}),field(2,/)", prefix.size());
    text.line("  http-request set-var(txn.rest) path,bytes({}),field(3,/,0)", prefix.size());
    text.line("  http-request set-path {}", formatWord(formatPart(prefix) + "/%[var(txn.rest)]"));
  }
  text.line("  http-request set-var(txn.server) str({}/),concat(,txn.pod),map_str({}/pods.map)", section.name,
            settings.directory);
  text.line(
      "  http-request return status 503 content-type text/plain string 'no such pod'"
      " unless {{ var(txn.server) -m found }}");
  text.line("  use-server %[var(txn.server)] if {{ var(txn.server) -m found }}");
}

void renderTimeOuts(const TimeOuts& timeOuts, ConfigText& text) {
  if (timeOuts.connect > Ms()) text.line("  timeout connect {}ms", timeOuts.connect.count());
  Ms answer = timeOuts.request > Ms() ? timeOuts.request : timeOuts.read;
  if (answer > Ms()) text.line("  timeout server {}ms", answer.count());
  if (timeOuts.read > Ms()) text.line("  timeout tunnel {}ms", timeOuts.read.count());
}

uint64_t totalWeight(const Backend& backend) {
  uint64_t total = backend.refusedWeight;
  for (const Share& share : backend.shares) total += share.weight;
  return total;
}

// Requests that mayn't be sent twice are only tried again while none of them has left.
void renderRetries(const Backend& backend, ConfigText& text) {
  text.line("  retries {}", std::clamp(backend.retries, 0, 10));
  text.line("  http-request disable-l7-retry unless {{ method GET HEAD OPTIONS }}");
}

void renderHttp(const Section& section, const Settings& settings, ConfigText& text) {
  const Backend& backend = section.backend;
  if (backend.sources) renderSources(*backend.sources, text);
  if (backend.limit) renderLimit(section.name, *backend.limit, text);
  if (backend.cors) renderCors(*backend.cors, text);
  if (backend.auth) renderAuth(section.name, *backend.auth, text);
  if (backend.bodyLimit) renderBodyLimit(backend.bodyLimit, text);
  if (backend.bufferRequest) text.line("  option http-buffer-request");
  if (dependsOnPath(backend)) renderOwnSpelling(section.path, text);
  if (backend.redirect) renderRedirect(*backend.redirect, section.path, text);
  if (backend.redirect && backend.redirect->onlyPath.empty()) return;
  if (backend.answer) return renderAnswer(*backend.answer, text);
  if (backend.refusedWeight) {
    text.line("  http-request return status {} if {{ rand({}) lt {} }}", backend.refusedStatus, totalWeight(backend),
              backend.refusedWeight);
  }
  if (backend.podRouting != PodRouting::kNone) renderPod(section, settings, text);
  renderBalance(backend, text);
  renderPath(backend.path, section.path, text);
  if (!backend.host.empty()) text.line("  http-request set-header host {}", literalFormat(backend.host));
  for (const HeaderChange& change : backend.headers) renderHeader(change, text);
  if (backend.sticky) renderSticky(*backend.sticky, settings, text);
  if (!backend.mirrors.empty()) renderMirrorFilter(backend, settings, text);
  renderRetries(backend, text);
}

std::string tlsWords(const Section& section, const Settings& settings) {
  const BackendTls tls = section.backend.tls.value_or(BackendTls());
  std::string words = " ssl";
  if (section.backend.protocol == Protocol::kHttps2) words += " alpn h2";
  if (section.backend.protocol == Protocol::kHttps) words += " alpn h2,http/1.1";
  words += tls.serverName.empty() ? " sni var(txn.host)" : fmt::format(" sni str({})", argument(tls.serverName));
  std::string file = authorityFile(section);
  if (!file.empty()) file = fmt::format("{}/{}", settings.directory, file);
  if (tls.systemAuthorities) file = "@system-ca";
  if (file.empty()) return words + " verify none";
  words += fmt::format(" verify required ca-file {}", file);
  return tls.serverName.empty() ? words : words + fmt::format(" verifyhost {}", word(tls.serverName));
}

}  // namespace

bool dependsOnPath(const Backend& backend) {
  auto depends = [](const PathChange& change) {
    return change.kind == PathChange::Kind::kPrefix || change.kind == PathChange::Kind::kRegex;
  };
  return depends(backend.path) || (backend.redirect && depends(backend.redirect->path)) ||
         backend.podRouting == PodRouting::kPath;
}

void renderBackend(const Section& section, const Settings& settings, ConfigText& text) {
  const Backend& backend = section.backend;
  ConfigText own;
  own.about(section.origin);
  if (backend.limit) renderLimitTables(section.name, *backend.limit, own);
  if (backend.auth) renderUsers(section.name, *backend.auth, own);
  own.line("backend {}", section.name);
  renderTimeOuts(backend.timeOuts, own);
  if (backend.protocol == Protocol::kTcp) {
    own.line("  mode tcp");
    own.line("  balance {}", backend.balance == Balance::kLeastConnections ? "leastconn" : "roundrobin");
    if (backend.refusedWeight) {
      own.line("  tcp-request content reject if {{ rand({}) lt {} }}", totalWeight(backend), backend.refusedWeight);
    }
  } else {
    renderHttp(section, settings, own);
  }
  serverWords(section, settings);
  text.append(own);
}

void renderRefusal(const Section& section, ConfigText& text) {
  text.about(section.origin);
  text.line("backend {}", section.name);
  text.line("  http-request return status 503");
}

std::string authorityFile(const Section& section) {
  if (!section.backend.tls || section.backend.tls->caPem.empty()) return "";
  return fmt::format("ca/{}.pem", section.name);
}

std::string clientCertificateFile(const Section& section) {
  if (!section.backend.tls || section.backend.tls->clientPem.empty()) return "";
  return fmt::format("client/{}.pem", section.name);
}

std::string serverWords(const Section& section, const Settings& settings) {
  const Backend& backend = section.backend;
  std::string words;
  if (backend.protocol == Protocol::kHttp2) words += " proto h2";
  const bool isHttps = backend.protocol == Protocol::kHttps || backend.protocol == Protocol::kHttps2;
  if (isHttps || (backend.protocol == Protocol::kTcp && backend.tls)) words += tlsWords(section, settings);
  if (std::string file = clientCertificateFile(section); !file.empty()) {
    words += fmt::format(" crt {}/{}", settings.directory, file);
  }
  if (backend.proxyProtocol == 1) words += " send-proxy";
  if (backend.proxyProtocol == 2) words += " send-proxy-v2";
  if (section.preserved) {
    words += *section.preserved == base::IpFamily::kIPv4 ? " source 0.0.0.0" : " source [::]";
    words += " usesrc clientip";
  }
  return words;
}

}  // namespace wherry::ingress

#include "ingress/frontend_text.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "ingress/plain_path.h"
#include "ingress/quoting.h"
#include "ingress/route_table.h"

namespace wherry::ingress {
namespace {

using MapFile = std::map<std::string, std::string>;

std::string mapText(const MapFile& map) {
  std::string text;
  for (const auto& [key, value] : map) text.append(key).append(1, ' ').append(value).append(1, '\n');
  return text;
}

using Families = std::set<base::IpFamily>;

Families preservedAt(const Port& port) {
  Families families;
  for (const Route& route : port.routes)
    families.insert(route.to.preserveClientIp.begin(), route.to.preserveClientIp.end());
  for (const Passthrough& each : port.passthroughs) {
    families.insert(each.to.preserveClientIp.begin(), each.to.preserveClientIp.end());
  }
  return families;
}

// Names for the clients of each of these families who can be seen under their own address.
class PreservedClients {
 public:
  PreservedClients(const Families& families, const Settings& settings, ConfigText& text) {
    if (families.empty()) return;
    std::string others = text.nextAcl();
    // None, loopback, on one link only, not one host's; then what says IPv4 in words of IPv6.
    text.line("  acl {} src 0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/3 ::/96 fe80::/10 ff00::/8", others);
    for (const std::string& range : settings.podRanges) text.line("  acl {} src {}", others, word(range));
    text.line("  acl {} src -m beg ::ffff:", others);
    for (base::IpFamily family : families) {
      std::string is = text.nextAcl();
      text.line("  acl {} src -m sub {}", is, family == base::IpFamily::kIPv4 ? "." : ":");
      conditions_[family] = fmt::format("{} !{}", is, others);
    }
  }

  // By family: what holds for them.
  const std::map<base::IpFamily, std::string>& conditions() const { return conditions_; }

 private:
  std::map<base::IpFamily, std::string> conditions_;
};

// The requests of one port, on their way to a route's id in txn.to.
class Requests {
 public:
  Requests(const Port& port, const FrontendContext& context, ConfigText& text)
      : port_(port), context_(context), text_(text) {}

  void render() {
    for (const RouteLevel& level : tabulate(port_.routes)) renderLevel(level);
    context_.files[fileName("routes")] = mapText(sections_);
    text_.line(
        "  http-request return status 404 content-type text/plain string 'no route'"
        " unless {{ var(txn.to) -m found }}");
    text_.line("  http-request track-sc0 var(txn.to) table {}", kRouteTable);
    renderPreserving();
    text_.line("  use_backend %[var(txn.to),map_str({}/{})]", context_.settings.directory, fileName("routes"));
  }

 private:
  void renderPreserving() {
    PreservedClients clients(preservedAt(port_), context_.settings, text_);
    for (const auto& [family, condition] : clients.conditions()) {
      std::string file = fileName(family == base::IpFamily::kIPv4 ? "clients4" : "clients6");
      context_.files[file] = mapText(preserving_[family]);
      text_.line("  use_backend %[var(txn.to),map_str({0}/{1})] if {2} {{ var(txn.to),map_str({0}/{1}) -m found }}",
                 context_.settings.directory, file, condition);
    }
  }

  static const char* nameOf(HostLevel level) {
    switch (level) {
      case HostLevel::kNamed:
        return "named";
      case HostLevel::kOneLabel:
        return "label";
      case HostLevel::kAnyDepth:
        return "depth";
      case HostLevel::kAll:
        return "all";
    }
    return "";
  }

  std::string fileName(const std::string& what) const { return fmt::format("maps/{}-{}.map", port_.number, what); }

  // The request's host as it stands in the keys of a level: the name of a variable; "" where keys have none.
  std::string renderHost(const RouteLevel& level) {
    switch (level.level) {
      case HostLevel::kNamed:
        return "txn.host";
      case HostLevel::kOneLabel:
        text_.line("  http-request set-var(txn.of) var(txn.host),regsub(^[^.]*,*)");
        break;
      case HostLevel::kAnyDepth: {
        std::string file = fileName("hosts");
        std::string hosts;
        for (const std::string& host : level.hosts) hosts += fmt::format("{} {}\n", host.substr(1), host);
        context_.files[file] = hosts;
        text_.line("  http-request unset-var(txn.of)");
        text_.line("  http-request set-var(txn.of) var(txn.host),map_end({}/{})", context_.settings.directory, file);
        break;
      }
      case HostLevel::kAll:
        return "";
    }
    return "txn.of";
  }

  // The first level's requests have no route yet.
  std::string unlessFound() const { return isFirst_ ? "" : " unless { var(txn.to) -m found }"; }

  void renderLevel(const RouteLevel& level) {
    std::string host = renderHost(level);
    std::string name = nameOf(level.level);
    std::set<Leaf> leaves;
    std::string exact = host.empty() ? "var(txn.path)" : fmt::format("var({}),concat(,txn.path)", host);
    std::string prefix = host.empty() ? "var(txn.path),concat(/)" : fmt::format("var({}),concat(,txn.path,/)", host);
    lookUp(level.exact, name + "-exact", exact + ",map_str", leaves);
    lookUp(level.prefix, name + "-prefix", prefix + ",map_beg", leaves);
    for (const Leaf& leaf : leaves) renderLeaf(leaf);
    for (const auto& [pattern, routes] : level.listed) renderListed(host, pattern, routes);
    // What no condition of a leaf fits on goes on to the next level.
    if (!leaves.empty()) text_.line("  http-request unset-var(txn.to) if {{ var(txn.to) -m beg l }}");
  }

  void lookUp(const std::map<std::string, Leaf>& keys, const std::string& name, const std::string& how,
              std::set<Leaf>& leaves) {
    if (keys.empty()) return;
    MapFile map;
    for (const auto& [key, leaf] : keys) addKey(key, leaf, map, leaves);
    std::string file = fileName(name);
    context_.files[file] = mapText(map);
    text_.line("  http-request set-var(txn.to) {}({}/{}){}", how, context_.settings.directory, file, unlessFound());
    isFirst_ = false;
  }

  void addKey(const std::string& key, const Leaf& leaf, MapFile& map, std::set<Leaf>& leaves) {
    RouteIndex first = leaf.routes.front();
    try {
      bool isPlain = port_.routes[first].conditions.always();
      map[mapKey(key)] = isPlain ? idOf(first) : nameOf(leaf);
      if (!isPlain) leaves.insert(leaf);
    } catch (const Unsayable& error) {
      context_.complain(port_.routes[first].origin, error.what());
    }
  }

  std::string nameOf(const Leaf& leaf) {
    auto [at, isNew] = leafNames_.try_emplace(leaf, fmt::format("l{}", leafNames_.size()));
    return at->second;
  }

  void renderLeaf(const Leaf& leaf) {
    std::string is = text_.nextAcl();
    text_.line("  acl {} var(txn.to) -m str {}", is, nameOf(leaf));
    for (RouteIndex at : leaf.routes) renderRule(at, is);
  }

  void renderListed(const std::string& variable, const std::string& host, const std::vector<RouteIndex>& routes) {
    std::string is = host.empty() ? "" : text_.nextAcl();
    if (!host.empty()) text_.line("  acl {} var({}) -m str -- {}", is, variable, word(host));
    for (RouteIndex at : routes) {
      ConfigText rule = text_.draft();
      std::string path = rule.nextAcl();
      try {
        rule.about(port_.routes[at].origin);
        rule.line("  acl {} {}", path, plainPathWords(port_.routes[at].path));
        text_.take(rule);
      } catch (const Unsayable& error) {
        context_.complain(port_.routes[at].origin, error.what());
        continue;
      }
      renderRule(at, is + " " + path + " !{ var(txn.to) -m found }");
    }
    isFirst_ = false;
  }

  // One route of several: taken when `acls` and its own conditions hold.
  void renderRule(RouteIndex at, std::string acls) {
    const Route& route = port_.routes[at];
    ConfigText rule = text_.draft();
    try {
      rule.about(route.origin);
      for (const std::string& condition : conditionWords(route.conditions)) {
        std::string acl = rule.nextAcl();
        rule.line("  acl {} {}", acl, condition);
        acls += " " + acl;
      }
      rule.line("  http-request set-var(txn.to) str({}) if {}", idOf(at), acls);
      text_.take(rule);
    } catch (const Unsayable& error) {
      context_.complain(route.origin, error.what());
    }
  }

  static std::vector<std::string> conditionWords(const Conditions& conditions) {
    std::vector<std::string> words;
    if (!conditions.method.empty()) words.push_back("method -m str -- " + word(conditions.method));
    for (const ValueMatch& value : conditions.values) {
      const char* sample = value.of == ValueMatch::Of::kHeader   ? "req.fhdr"
                           : value.of == ValueMatch::Of::kCookie ? "req.cook"
                                                                 : "url_param";
      const char* decoded = value.of == ValueMatch::Of::kQuery ? ",url_dec" : "";
      bool isRegex = value.how == ValueMatch::How::kRegex;
      std::string what =
          isRegex ? "reg -- " + expression(fmt::format("^(?:{})$", value.value)) : "str -- " + word(value.value);
      words.push_back(fmt::format("{}({}){} -m {}", sample, argument(value.name), decoded, what));
    }
    if (conditions.part < conditions.total) {
      words.push_back(fmt::format("rand({}) lt {}", conditions.total, conditions.part));
    }
    return words;
  }

  std::string idOf(RouteIndex at) {
    std::string id = fmt::format("r{}-{}", port_.number, at);
    if (sections_.contains(id)) return id;
    const Route& route = port_.routes[at];
    sections_[id] = context_.sectionOf(route, id);
    for (base::IpFamily family : route.to.preserveClientIp) {
      preserving_[family][id] = context_.preservingSectionOf(route, family);
    }
    return id;
  }

  const Port& port_;
  const FrontendContext& context_;
  ConfigText& text_;
  MapFile sections_;  // by route
  std::map<base::IpFamily, MapFile> preserving_;
  std::map<Leaf, std::string> leafNames_;
  bool isFirst_ = true;
};

void renderProxyProtocol(const Settings& settings, ConfigText& text) {
  for (const std::string& range : settings.proxyProtocolFrom) {
    text.line("  tcp-request connection expect-proxy layer4 if {{ src {} }}", word(range));
  }
}

// Whose address, scheme and the like a pod may believe: ours alone. Programs that read names of headers from
// variables (CGI, WSGI) take "_" for "-".
constexpr std::string_view kTold = "^(x[-_]forwarded[-_].*|x[-_]real[-_]ip|forwarded)$";
// A name or an address, perhaps with a port: keys of maps begin with it.
constexpr std::string_view kHost = R"(^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]*)?$)";

// What a request is known by, before anything looks at it.
void renderEntry(bool tls, ConfigText& text) {
  text.line("  mode http");
  renderPlainPath(text);
  text.line("  http-request deny deny_status 400 if {{ req.fhdr_cnt(host) gt 1 }}");
  text.line(
      "  http-request deny deny_status 400 if {{ req.fhdr(host) -m found }} !{{ req.fhdr(host) -m reg -i -- {} }}",
      word(kHost));
  text.line("  http-request set-var(txn.host) req.fhdr(host),host_only,lower,rtrim(.)");
  // Behind a change to HTTP/2 nobody would look at requests any more.
  text.line("  http-request del-header upgrade if {{ req.hdr(upgrade) -m sub -i -- h2c }}");
  text.line("  http-request del-header {} -m reg", word(kTold));
  text.line("  http-request set-header x-forwarded-for %[src]");
  text.line("  http-request set-header x-real-ip %[src]");
  text.line("  http-request set-header x-forwarded-host %[req.fhdr(host)]");
  text.line("  http-request set-header x-forwarded-port %[dst_port]");
  text.line("  http-request set-header x-forwarded-proto {}", tls ? "https" : "http");
}

void renderBinds(const Port& port, const Settings& settings, const std::string& words, ConfigText& text) {
  for (const std::string& address : settings.addresses) {
    bool isV6 = address.find(':') != std::string::npos;
    text.line("  bind {}{}:{}{}{}", isV6 ? "ipv6@" : "ipv4@", address, port.number, isV6 ? " v6only" : "", words);
  }
}

std::string hostWords(const HostPattern& host) {
  if (!host.name.starts_with("*.")) return "-m str -- " + word(host.name);
  std::string suffix = host.name.substr(1);
  if (host.anyDepth) return "-m end -- " + word(suffix);
  std::string regex = "^[^.]+";
  for (char c : suffix) regex += c == '.' ? std::string("\\.") : std::string(1, c);
  return "-m reg -- " + word(regex + "$");
}

// TLS that is handed on, and what is left for us by a socket of our own.
void renderPassthroughs(const Port& port, const FrontendContext& context, ConfigText& text) {
  text.line("frontend port-{}", port.number);
  text.line("  mode tcp");
  renderBinds(port, context.settings, "", text);
  renderProxyProtocol(context.settings, text);
  text.line("  tcp-request inspect-delay 5s");
  text.line("  tcp-request content set-var(sess.sni) req.ssl_sni,lower");
  text.line("  tcp-request content reject unless {{ req.ssl_hello_type 1 }}");
  std::vector<const Passthrough*> order;
  for (const Passthrough& each : port.passthroughs) order.push_back(&each);
  auto rank = [](const Passthrough* each) {
    return std::pair(each->host.name.starts_with("*") || each->host.name.empty(),
                     -static_cast<ptrdiff_t>(each->host.name.size()));
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  PreservedClients clients(preservedAt(port), context.settings, text);
  for (const Passthrough* each : order) {
    text.about(each->origin);
    std::string acl;
    if (!each->host.name.empty()) {
      acl = text.nextAcl();
      text.line("  acl {} var(sess.sni) {}", acl, hostWords(each->host));
    }
    for (base::IpFamily family : each->to.preserveClientIp) {
      text.line("  use_backend {} if {} {}", context.preservingPassthroughSectionOf(*each, family),
                clients.conditions().at(family), acl);
    }
    text.line("  use_backend {}{}{}", context.passthroughSectionOf(*each), acl.empty() ? "" : " if ", acl);
  }
  if (port.routes.empty()) return;
  text.line("  default_backend inner-{}", port.number);
  text.line("backend inner-{}", port.number);
  text.line("  mode tcp");
  text.line("  server inner abns@wherry-{} send-proxy-v2", port.number);
}

}  // namespace

std::string certificateFile(const Certificate& certificate) {
  std::string name = certificate.name;
  std::replace(name.begin(), name.end(), '/', '_');
  return fmt::format("certs/{}.pem", name);
}

std::string certificateList(const Port& port, const Settings& settings) {
  std::string list = fmt::format("{}/{}\n", settings.directory, kDefaultCertificate);
  for (const Certificate& certificate : port.certificates) {
    list += fmt::format("{}/{}", settings.directory, certificateFile(certificate));
    for (const HostPattern& host : certificate.hosts) list += " " + mapKey(host.name.empty() ? "*" : host.name);
    list += '\n';
  }
  return list;
}

void renderPort(const Port& port, const FrontendContext& context, ConfigText& text) {
  bool hasInner = !port.passthroughs.empty();
  if (hasInner) renderPassthroughs(port, context, text);
  if (hasInner && port.routes.empty()) return;
  std::string listFile = fmt::format("certs/{}.list", port.number);
  std::string tls =
      port.tls ? fmt::format(" ssl crt-list {}/{} alpn h2,http/1.1", context.settings.directory, listFile) : "";
  if (port.tls) context.files[listFile] = certificateList(port, context.settings);
  text.line("frontend {}-{}", hasInner ? "inner" : "port", port.number);
  if (hasInner) {
    text.line("  bind abns@wherry-{} accept-proxy{}", port.number, tls);
  } else {
    renderBinds(port, context.settings, tls, text);
    renderProxyProtocol(context.settings, text);
  }
  renderEntry(port.tls, text);
  Requests(port, context, text).render();
}

}  // namespace wherry::ingress

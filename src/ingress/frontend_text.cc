#include "ingress/frontend_text.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "ingress/connection_text.h"
#include "ingress/plain_path.h"
#include "ingress/port_text.h"
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
    PreservedClients clients(port_, context_.settings, text_);
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

}  // namespace

std::string certificateFile(const Certificate& certificate) {
  std::string name = certificate.name;
  std::replace(name.begin(), name.end(), '/', '_');
  return fmt::format("certs/{}.pem", name);
}

// The first is for names that no other is for: "*" beside it is none by itself.
std::string certificateList(const Port& port, const Settings& settings) {
  std::string forAll, named;
  for (const Certificate& certificate : port.certificates) {
    const std::string file = fmt::format("{}/{}", settings.directory, certificateFile(certificate));
    std::string names;
    for (const HostPattern& host : certificate.hosts) {
      if (host.name.empty() && forAll.empty()) forAll = file + " *\n";
      if (!host.name.empty()) names += " " + mapKey(host.name);
    }
    if (!names.empty()) named += file + names + "\n";
  }
  if (forAll.empty()) forAll = fmt::format("{}/{}\n", settings.directory, kDefaultCertificate);
  return forAll + named;
}

void renderPort(const Port& port, const FrontendContext& context, ConfigText& text) {
  const bool isByName = !port.passthroughs.empty();
  if (isByName) renderConnections(port, context, text);
  if (isByName && port.routes.empty()) return;
  const std::string tls = port.tls ? tlsWords(port, context) + " alpn h2,http/1.1" : "";
  text.line("frontend {}-{}", isByName ? "inner" : "port", port.number);
  if (isByName) {
    text.line("  bind {} accept-proxy{}", innerSocket(port), tls);
  } else {
    renderBinds(port, context.settings, tls, text);
  }
  renderEntry(port.tls, text);
  Requests(port, context, text).render();
}

}  // namespace wherry::ingress

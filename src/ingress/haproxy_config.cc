#include "ingress/haproxy_config.h"

#include <algorithm>

#include "base/strings.h"
#include "ingress/body_limit.h"
#include "ingress/client_ip.h"
#include "ingress/frontend_text.h"
#include "ingress/mirror_text.h"
#include "ingress/quoting.h"

namespace wherry::ingress {
namespace {

void renderGlobal(const Settings& settings, bool preservesClientIp, ConfigText& text) {
  text.line("global");
  // One that has to be privileged may not change its user, nor have what a chroot takes: it is started as who it is.
  if (!preservesClientIp) {
    text.line("  user {}", settings.user);
    text.line("  group {}", settings.group);
    text.line("  chroot {}/empty", settings.directory);
  }
  text.line("  expose-experimental-directives");
  text.line("  hard-stop-after 10m");
  text.line("  ssl-default-bind-options ssl-min-ver TLSv1.2");
  text.line("  ssl-server-verify none");
  text.line("  tune.ssl.default-dh-param 2048");
  if (settings.accessLog) text.line("  log fd@{} len 4096 format raw local0 info", kAccessLog);
}

void renderDefaults(const Settings& settings, ConfigText& text) {
  text.line("defaults");
  text.line("  mode http");
  text.line("  timeout connect 5s");
  text.line("  timeout client 60s");
  text.line("  timeout server 60s");
  text.line("  timeout tunnel 1h");
  text.line("  timeout queue 30s");
  text.line("  timeout http-request 10s");
  text.line("  timeout http-keep-alive 60s");
  text.line("  option redispatch 1");
  text.line("  option splice-auto");
  text.line("  option dontlognull");
  text.line("  retry-on conn-failure empty-response");
  text.line("  default-server init-addr none pool-purge-delay 30s");
  if (settings.accessLog) {
    text.line("  log global");
    // Who, when, which host and request; the answer's status and bytes; backend and server; milliseconds until the
    // request was there, a connection was free, it was made, the answer began, and it ended.
    text.line("  log-format '%ci [%tr] %{{+Q}}[var(txn.host)] %{{+Q}}r %ST %B %b/%s %TR/%Tw/%Tc/%Tr/%Ta'");
  }
}

void renderStatus(const Settings& settings, ConfigText& text) {
  if (settings.statusAddress.empty()) return;
  text.line("frontend status");
  text.line("  bind {}", settings.statusAddress);
  text.line("  no log");
  text.line("  http-request use-service prometheus-exporter if {{ path /metrics }}");
  text.line("  stats enable");
  text.line("  stats uri /");
}

std::string serviceOf(const Backend& backend) {
  return backend.shares.size() == 1 ? backend.shares.front().target.service : "";
}

class Rendering {
 public:
  Rendering(const Settings& settings, Shape& shape) : settings_(settings), shape_(shape) {}

  void render(const Model& model) {
    ConfigText text, frontends, backends;
    shape_.preservesClientIp = preservesClientIp(model);
    FrontendContext context{
        .settings = settings_,
        .files = shape_.files,
        .sectionOf = [&](const Route& route, const std::string& id) { return nameRoute(route, id); },
        .passthroughSectionOf = [&](const Passthrough& each) { return section(each.to, {}, each.origin); },
        .preservingSectionOf =
            [&](const Route& route, base::IpFamily family) {
              return section(route.to, route.path, route.origin, family);
            },
        .preservingPassthroughSectionOf =
            [&](const Passthrough& each, base::IpFamily family) { return section(each.to, {}, each.origin, family); },
        .complain = [&](const Origin& about, const std::string& why) { complain(about, why); }};
    for (const auto& [number, port] : model.ports) {
      renderPort(port, context, frontends);
      for (const Certificate& certificate : port.certificates) {
        shape_.certificates[certificateFile(certificate)] = certificate.pem;
      }
    }
    for (const auto& [name, section] : shape_.sections) renderSection(section, backends);
    const bool limits = hasBodyLimit(), mirrors = !mirrors_.empty();
    if (mirrors) renderMirrors(frontends, backends);
    renderGlobal(settings_, shape_.preservesClientIp, text);
    if (limits) loadBodyLimits(settings_.directory, shape_.files, text);
    if (mirrors) renderMirrorGlobal(settings_, text);
    renderDefaults(settings_, text);
    renderStatus(settings_, text);
    text.line("backend {}", kRouteTable);
    text.line(
        "  stick-table type string len 32 size {} nopurge store"
        " http_req_cnt,http_err_cnt,http_fail_cnt,bytes_in_cnt,bytes_out_cnt",
        std::max<size_t>(shape_.routes.size(), 1));
    text.append(frontends);
    text.append(backends);
    shape_.text = text.text();
  }

 private:
  // Backends that do the same are one.
  struct Key {
    Backend backend;
    PathMatch path;
    std::optional<base::IpFamily> preserved;
    auto operator<=>(const Key&) const = default;
  };

  bool hasBodyLimit() const {
    return std::any_of(shape_.sections.begin(), shape_.sections.end(),
                       [](const auto& each) { return each.second.backend.bodyLimit != 0; });
  }

  void complain(const Origin& about, const std::string& why) {
    shape_.complaints.push_back({about, "NotRendered", why});
  }

  std::string nameRoute(const Route& route, const std::string& id) {
    shape_.routes[id] = {route.origin, route.host.name, route.path.text, serviceOf(route.to)};
    return section(route.to, route.path, route.origin);
  }

  std::string section(const Backend& backend, const PathMatch& path, const Origin& origin,
                      std::optional<base::IpFamily> preserved = std::nullopt) {
    Key key{backend, dependsOnPath(backend) ? path : PathMatch(), preserved};
    key.backend.preserveClientIp.clear();  // `preserved` says it
    auto [at, isNew] = names_.try_emplace(key);
    if (!isNew) return at->second;
    std::string base = fmt::format("{}:{}", origin.nameSpace, origin.name);
    if (!backend.shares.empty()) {
      const ServicePort& target = backend.shares.front().target;
      base = fmt::format("{}:{}:{}", target.nameSpace, target.service, target.port);
    }
    if (preserved) base += *preserved == base::IpFamily::kIPv4 ? ":ipv4" : ":ipv6";
    int& count = counts_[base];
    at->second = ++count == 1 ? base : fmt::format("{}.{}", base, count);
    shape_.sections[at->second] = {at->second, backend, key.path, origin, preserved};
    for (const Mirror& mirror : backend.mirrors) addMirror(mirror, origin);
    return at->second;
  }

  void addMirror(const Mirror& mirror, const Origin& origin) {
    const std::string name = mirrorSectionName(mirror);
    Section section{name, {}, {}, origin};
    section.backend.shares = {{mirror.target}};
    section.backend.protocol = mirror.protocol;
    section.backend.tls = mirror.tls;
    mirrors_.try_emplace(name, std::move(section));
  }

  void renderMirrors(ConfigText& frontends, ConfigText& backends) {
    shape_.files[kMirrorScriptFile] = mirrorScript();
    renderMirrorFrontend(settings_, frontends);
    for (const auto& [name, section] : mirrors_) {
      renderMirrorBackend(section, backends);
      renderServers(section, backends);
      addFiles(section);
    }
    shape_.sections.merge(mirrors_);
  }

  void renderSection(const Section& section, ConfigText& text) {
    try {
      renderBackend(section, settings_, text);
      renderServers(section, text);
    } catch (const Unsayable& error) {
      complain(section.origin, error.what());
      renderRefusal(section, text);
      return;
    }
    addFiles(section);
    if (section.backend.podRouting != PodRouting::kNone) shape_.files.try_emplace("pods.map");
  }

  void addFiles(const Section& section) {
    if (std::string file = authorityFile(section); !file.empty()) shape_.files[file] = section.backend.tls->caPem;
    if (std::string file = clientCertificateFile(section); !file.empty()) {
      shape_.files[file] = section.backend.tls->clientPem;
    }
  }

  // With how they are spoken to, though withServers() knows: where that changes, HAProxy needs to hear of it.
  void renderServers(const Section& section, ConfigText& text) const {
    text.line("servers {}{}", section.name, serverWords(section, settings_));
  }

  const Settings& settings_;
  Shape& shape_;
  std::map<Key, std::string> names_;
  std::map<std::string, int> counts_;
  std::map<std::string, Section> mirrors_;  // by name: where copies go
};

}  // namespace

bool Shape::sameCertificates(const Shape& other) const {
  return std::equal(certificates.begin(), certificates.end(), other.certificates.begin(), other.certificates.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first; });
}

Shape renderShape(const Model& model, const Settings& settings, const std::string& defaultCertificate) {
  Shape shape;
  Rendering(settings, shape).render(model);
  shape.certificates[kDefaultCertificate] = defaultCertificate;
  return shape;
}

std::string withServers(const Shape& shape, const std::map<std::string, Servers>& servers, const Settings& settings) {
  constexpr std::string_view kMark = "servers ";
  std::string text;
  for (std::string_view line : base::split(shape.text, '\n')) {
    auto found = shape.sections.end();
    if (line.starts_with(kMark)) {
      const std::string_view rest = line.substr(kMark.size());
      found = shape.sections.find(std::string(rest.substr(0, rest.find(' '))));
    }
    if (found == shape.sections.end()) {
      text.append(line).append(1, '\n');
      continue;
    }
    auto places = servers.find(found->first);
    if (places == servers.end()) continue;
    std::string words = serverWords(found->second, settings);
    for (size_t i = 0; i < places->second.size(); ++i) {
      const auto& server = places->second[i];
      std::string address =
          server ? fmt::format("{}:{}", server->endpoint.address, server->endpoint.port) : "0.0.0.0:1";
      text += fmt::format("  server s{} {}{} weight {}{}\n", i + 1, address, words, server ? server->weight : 1,
                          server ? "" : " disabled");
    }
  }
  return text;
}

}  // namespace wherry::ingress

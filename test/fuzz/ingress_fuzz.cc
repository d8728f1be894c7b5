// libFuzzer: Ingresses. Whatever a user writes, the routing model has printable texts alone, and the complaints too;
// the same Ingress gives the same routes. The input is texts with a NUL behind each: a host, a path, its type, the
// password file of the Secret `auth`, and then names of annotations (without their prefix), each with its value.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/strings.h"
#include "ingress/annotation_values.h"
#include "ingress/haproxy_config.h"
#include "ingress/ingress_routes.h"

namespace ingress = wherry::ingress;
namespace json = wherry::json;
namespace meta = wherry::meta;

namespace {

using Texts = std::vector<std::string_view>;

void demand(bool holds) {
  if (!holds) std::abort();
}

void demandPlain(std::string_view text) {
  demand(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }));
}

void demandPlain(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) demandPlain(text);
}

meta::ObjectPtr ingressOf(const Texts& texts) {
  json::Object annotations;
  for (size_t i = 4; i + 1 < texts.size(); i += 2) {
    annotations["nginx.ingress.kubernetes.io/" + std::string(texts[i])] = texts[i + 1];
    annotations["wherry.dev/" + std::string(texts[i])] = texts[i + 1];
  }
  const json::Object backend{{"service", json::Object{{"name", "web"}, {"port", json::Object{{"number", 80}}}}}};
  const json::Object path{{"path", texts[1]}, {"pathType", texts[2]}, {"backend", backend}};
  // Other hosts aren't admitted.
  const std::string_view host = ingress::isHostName(texts[0], ingress::Wildcard::kFirstLabel) ? texts[0] : "";
  const json::Object rule{{"host", host}, {"http", json::Object{{"paths", json::Array{path}}}}};
  return std::make_shared<const meta::Object>(
      json::Object{{"kind", "Ingress"},
                   {"metadata", json::Object{{"name", "i"}, {"namespace", "n"}, {"annotations", annotations}}},
                   {"spec", json::Object{{"ingressClassName", "wherry"}, {"rules", json::Array{rule}}}}});
}

ingress::Sources sourcesOf(std::string_view passwords) {
  const auto service = std::make_shared<const meta::Object>(
      json::Object{{"kind", "Service"}, {"spec", json::Object{{"ports", json::Array{json::Object{{"port", 80}}}}}}});
  const auto secret = std::make_shared<const meta::Object>(
      json::Object{{"kind", "Secret"},
                   {"metadata", json::Object{{"name", "auth"}}},
                   {"data", json::Object{{"auth", wherry::base::encodeBase64(passwords)}}}});
  return {[service](auto, auto) { return service; },
          [secret](auto, std::string_view name) { return name == "auth" ? secret : nullptr; },
          [](auto, auto) { return meta::ObjectPtr(); }};
}

void checkBackend(const ingress::Backend& to) {
  demandPlain(to.host);
  demandPlain(to.path.with);
  for (const auto& each : to.headers) demandPlain(each.name + each.value);
  for (const auto& part : to.hash) demandPlain(part.name);
  if (to.sticky) demandPlain(to.sticky->name + to.sticky->path + to.sticky->domain + to.sticky->sameSite);
  if (to.tls) demandPlain(to.tls->serverName);
  if (to.redirect)
    demandPlain(to.redirect->location + to.redirect->host + to.redirect->path.with + to.redirect->onlyPath);
  if (to.cors) {
    for (const auto& texts : {to.cors->origins, to.cors->methods, to.cors->headers, to.cors->exposed})
      demandPlain(texts);
  }
  if (!to.auth) return;
  demandPlain(to.auth->realm);
  for (const auto& [name, hash] : to.auth->users) demandPlain(name + hash);
}

void check(const ingress::Contribution& result) {
  for (const auto& [number, port] : result.model.ports) {
    for (const auto& route : port.routes) {
      demandPlain(route.path.text);
      for (const auto& value : route.conditions.values) demandPlain(value.name + value.value);
      demand(route.conditions.total > 0);
      checkBackend(route.to);
    }
  }
  for (const auto& complaint : result.complaints) {
    demandPlain(complaint.reason + complaint.message);
    demand(complaint.message.size() < 2000);
  }
}

// -- the configuration, as HAProxy reads it ---------------------------------------------------------------------------

// Its rules of quoting (configuration manual, section 2.2). A quote that doesn't end is a fault.
std::vector<std::string> wordsOf(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' || c == '\t') {
      inside = false;
      continue;
    }
    if (c == '#') break;
    demand(c != '\0' && c != '$');  // variables of the environment: nowhere but between quotes
    if (!inside) words.emplace_back();
    inside = true;
    if (c == '\\') {
      demand(++i < line.size());
      words.back() += line[i];
    } else if (c == '\'') {
      const size_t end = line.find('\'', i + 1);
      demand(end != std::string_view::npos);
      words.back() += line.substr(i + 1, end - i - 1);
      i = end;
    } else {
      demand(c != '"');
      words.back() += c;
    }
  }
  return words;
}

bool isOneOf(std::string_view word, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), word) != known.end();
}

// "%" is "%%", or begins an expression of our own.
void demandFormat(std::string_view format) {
  constexpr std::array<std::string_view, 11> kOwn = {"%%",
                                                     "%[src]",
                                                     "%[dst_port]",
                                                     "%[req.hdr(host)]",
                                                     "%[req.hdr(host),regsub(^[^:]*,)]",
                                                     "%[pathq]",
                                                     "%[ssl_fc,iif(https,http)]",
                                                     "%[var(txn.host)]",
                                                     "%[var(txn.cors)]",
                                                     "%[var(txn.rest)]",
                                                     "%[var(txn.server)]"};
  for (size_t at = format.find('%'); at != std::string_view::npos; at = format.find('%', at)) {
    const auto own = std::find_if(kOwn.begin(), kOwn.end(),
                                  [&](std::string_view each) { return format.substr(at).starts_with(each); });
    demand(own != kOwn.end());
    at += own->size();
  }
}

void checkRule(const std::vector<std::string>& words) {
  demand(words.size() > 1);
  const std::string& action = words[1];
  demand(isOneOf(action, {"auth", "deny", "disable-l7-retry", "normalize-uri", "redirect", "replace-path", "return",
                          "set-header", "add-header", "set-path", "track-sc0", "track-sc1", "track-sc2", "unset-var",
                          "use-service", "wait-for-body"}) ||
         action.starts_with("set-var(") || action.starts_with("set-var-fmt("));
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i - 1] == "location" || (action == "set-path" && i == 2)) demandFormat(words[i]);
    if ((action == "set-header" || action == "add-header" || action == "replace-path") && i == 3)
      demandFormat(words[i]);
    if (action == "return" && i > 2 && words[i - 2] == "hdr") demandFormat(words[i]);
  }
}

void checkLine(std::string_view line) {
  if (line.starts_with("# ")) return demand(line == "# Ingress n/i" || line == "#  /");
  const auto words = wordsOf(line);
  if (words.empty()) return;
  const std::string& first = words[0];
  if (first == "http-request" || first == "http-response") return checkRule(words);
  if (first == "acl") return demand(words.size() >= 5 && words[words.size() - 2] == "--");
  if (first == "user" && words.size() != 2) return demand(words.size() == 4 && words[2] == "password");
  demand(isOneOf(first, {"global",
                         "defaults",
                         "frontend",
                         "backend",
                         "userlist",
                         "servers",
                         "balance",
                         "bind",
                         "chroot",
                         "cookie",
                         "default_backend",
                         "default-server",
                         "dynamic-cookie-key",
                         "expose-experimental-directives",
                         "group",
                         "hard-stop-after",
                         "hash-type",
                         "log",
                         "mode",
                         "no",
                         "option",
                         "retries",
                         "retry-on",
                         "server",
                         "ssl-default-bind-options",
                         "ssl-server-verify",
                         "stats",
                         "stick-table",
                         "tcp-request",
                         "timeout",
                         "tune.ssl.default-dh-param",
                         "use_backend",
                         "use-server",
                         "user"}));
}

void checkConfiguration(const ingress::Model& model) {
  const auto shape = ingress::renderShape(model, {.directory = "/run/x"}, "pem");
  for (std::string_view line : wherry::base::split(std::string_view(shape.text), '\n')) {
    checkLine(wherry::base::trim(line));
  }
  for (const auto& [name, text] : shape.files) {
    if (!name.starts_with("maps/")) continue;
    for (std::string_view line : wherry::base::split(std::string_view(text), '\n')) {
      demand(line.empty() || std::count(line.begin(), line.end(), ' ') == 1);
      demandPlain(line);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Texts texts = wherry::base::split(bytes, '\0');
  if (texts.size() < 4) return 0;
  ingress::IngressObjects objects;
  objects.ingresses.emplace_back(ingressOf(texts));
  objects.classes.emplace_back(std::make_shared<const meta::Object>(
      json::Object{{"metadata", json::Object{{"name", "wherry"}}},
                   {"spec", json::Object{{"controller", "wherry.dev/ingress-controller"}}}}));
  const ingress::Sources sources = sourcesOf(texts[3]);
  const auto result = ingress::routeIngresses(objects, sources);
  check(result);
  checkConfiguration(result.model);
  demand(ingress::routeIngresses(objects, sources).complaints == result.complaints);
  return 0;
}

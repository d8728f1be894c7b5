// libFuzzer: Ingresses. Whatever a user writes, the routing model has printable texts alone, and the complaints too;
// the same Ingress gives the same routes. The input is texts with a NUL behind each: a host, a path, its type, the
// password file of the Secret `auth`, and then names of annotations (without their prefix), each with its value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/strings.h"
#include "haproxy_words.h"
#include "ingress/annotation_values.h"
#include "ingress/ingress_routes.h"

namespace ingress = wherry::ingress;
namespace json = wherry::json;
namespace meta = wherry::meta;

namespace {

using Texts = std::vector<std::string_view>;
using wherry::fuzz::demand;

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
  wherry::fuzz::checkConfiguration(result.model);
  wherry::fuzz::checkByHAProxy(result.model, bytes);
  demand(ingress::routeIngresses(objects, sources).complaints == result.complaints);
  return 0;
}

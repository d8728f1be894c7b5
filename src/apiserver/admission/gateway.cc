// Gateways: in what listeners and addresses must agree with each other. The standard writes these rules in CEL.
#include <algorithm>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::string_view kListeners = "spec.listeners";
constexpr std::string_view kAddresses = "spec.addresses";

// Protocols are the same in any case.
std::string protocolOf(const json::Value& listener) { return base::toLower(getString(listener, "protocol")); }

bool isPlain(std::string_view protocol) { return protocol == "http" || protocol == "tcp" || protocol == "udp"; }

bool sameEntry(const json::Value& a, const json::Value& b) {
  return json::getInt(a, "port") == json::getInt(b, "port") && getString(a, "protocol") == getString(b, "protocol") &&
         getString(a, "hostname") == getString(b, "hostname");
}

bool unique(const json::Array& all, bool (*same)(const json::Value&, const json::Value&)) {
  return std::ranges::all_of(all, [&](const json::Value& one) {
    return std::ranges::count_if(all, [&](const json::Value& other) { return same(one, other); }) == 1;
  });
}

void checkListeners(const json::Value& gateway, meta::FieldErrors& errors) {
  const json::Array& listeners = arrayAt(gateway, kListeners);
  auto all = [&](bool (*holds)(const json::Value&), const char* message) {
    demand(std::ranges::all_of(listeners, holds), std::string(kListeners), "array", message, errors);
  };
  all([](const json::Value& l) { return !isPlain(protocolOf(l)) || !json::find(l, "tls"); },
      "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']");
  all([](const json::Value& l) { return protocolOf(l) != "https" || getString(l, "tls.mode") != "Passthrough"; },
      "tls mode must be Terminate for protocol HTTPS");
  all([](const json::Value& l) { return protocolOf(l) != "tls" || !getString(l, "tls.mode").empty(); },
      "tls mode must be set for protocol TLS");
  all(
      [](const json::Value& l) {
        const std::string protocol = protocolOf(l);
        return (protocol != "tcp" && protocol != "udp") || getString(l, "hostname").empty();
      },
      "hostname must not be specified for protocols ['TCP', 'UDP']");
  demand(unique(listeners, sameEntry), std::string(kListeners), "array",
         "Combination of port, protocol and hostname must be unique for each listener", errors);
  forEachItem(listeners, std::string(kListeners), [&](const json::Value& listener, const std::string& at) {
    const bool terminates = getString(listener, "tls.mode") == "Terminate";
    const bool said = !arrayAt(listener, "tls.certificateRefs").empty() || !objectAt(listener, "tls.options").empty();
    demand(!terminates || said, at + ".tls", "object",
           "certificateRefs or options must be specified when mode is Terminate", errors);
  });
}

bool sameAddress(const json::Value& a, const json::Value& b) {
  return getString(a, "type") == getString(b, "type") && getString(a, "value") == getString(b, "value");
}

std::vector<std::string> checkHostAddress(std::string_view name) {
  return meta::checkDns1123Subdomain(name.starts_with("*.") ? name.substr(2) : name);
}

void checkAddresses(const json::Value& gateway, meta::FieldErrors& errors) {
  for (const std::string_view type : {"IPAddress", "Hostname"}) {
    json::Array valued;
    std::ranges::copy_if(arrayAt(gateway, kAddresses), std::back_inserter(valued), [&](const json::Value& address) {
      return getString(address, "type") == type && !getString(address, "value").empty();
    });
    demand(unique(valued, sameAddress), std::string(kAddresses), "array", std::string(type) + " values must be unique",
           errors);
  }
  forEachItem(arrayAt(gateway, kAddresses), std::string(kAddresses),
              [&](const json::Value& one, const std::string& at) {
                const std::string_view value = getString(one, "value");
                const bool host = getString(one, "type") == "Hostname" && !value.empty();
                demand(!host || checkHostAddress(value).empty(), at, "object",
                       "Hostname value must be empty or contain only valid characters (matching "
                       R"(^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$))",
                       errors);
              });
}

void checkKeys(const json::Value& gateway, std::string_view field, std::string_view what, meta::FieldErrors& errors) {
  const std::string path = "spec.infrastructure." + std::string(field);
  const json::Object& map = objectAt(gateway, path);
  const bool good =
      std::ranges::all_of(map, [](const auto& entry) { return meta::checkQualifiedName(entry.key()).empty(); });
  demand(good, path, "object",
         std::string(what) +
             " keys must be in the form of an optional DNS subdomain prefix followed by a required name "
             "segment of up to 63 characters.",
         errors);
}

}  // namespace

void validateGateway(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkListeners(request.object, errors);
  checkAddresses(request.object, errors);
  checkKeys(request.object, "labels", "Label", errors);
  checkKeys(request.object, "annotations", "Annotation", errors);
}

}  // namespace wherry::apiserver

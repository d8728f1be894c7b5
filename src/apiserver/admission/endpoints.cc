// Endpoints and EndpointSlices: which addresses may stand behind a Service.
#include <set>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

void checkIpAddress(const json::Value& ip, const std::string& path, meta::FieldErrors& errors) {
  std::string_view text = textOf(ip);
  auto wrong = meta::checkIp(text);
  addInvalid(path, ip, wrong.empty() ? checkUsableIp(text) : wrong, errors);
}

void checkHostname(const json::Value& endpoint, const std::string& path, meta::FieldErrors& errors) {
  std::string_view hostname = getString(endpoint, "hostname");
  if (!hostname.empty())
    addInvalid(path + ".hostname", json::Value(hostname), meta::checkDns1123Label(hostname), errors);
  std::string_view node = getString(endpoint, "nodeName");
  if (!node.empty()) addInvalid(path + ".nodeName", json::Value(node), meta::checkDns1123Subdomain(node), errors);
}

void checkEndpointAddress(const json::Value& address, const std::string& path, meta::FieldErrors& errors) {
  std::string_view ip = getString(address, "ip");
  if (!ip.empty()) checkIpAddress(json::Value(ip), path + ".ip", errors);
  checkHostname(address, path, errors);
}

// Names tell ports apart, so that only a single one can do without.
void checkEndpointPorts(const json::Array& ports, const std::string& path, meta::FieldErrors& errors) {
  forEachItem(ports, path, [&](const json::Value& port, const std::string& at) {
    std::string_view name = getString(port, "name");
    if (name.empty() && ports.size() > 1) {
      errors.push_back(meta::requiredField(at + ".name"));
    } else if (!name.empty()) {
      addInvalid(at + ".name", json::Value(name), meta::checkDns1123Label(name), errors);
    }
  });
}

void checkSubset(const json::Value& subset, const std::string& path, meta::FieldErrors& errors) {
  const json::Array &ready = arrayAt(subset, "addresses"), &notReady = arrayAt(subset, "notReadyAddresses");
  if (ready.empty() && notReady.empty()) {
    errors.push_back(meta::requiredField(path, "must specify `addresses` or `notReadyAddresses`"));
  }
  auto check = [&](const json::Value& address, const std::string& at) { checkEndpointAddress(address, at, errors); };
  forEachItem(ready, path + ".addresses", check);
  forEachItem(notReady, path + ".notReadyAddresses", check);
  checkEndpointPorts(arrayAt(subset, "ports"), path + ".ports", errors);
}

// -- EndpointSlice --------------------------------------------------------------------------------------------------

// A wrong family is said of the list, everything else of the address.
void checkSliceAddress(const json::Value& address, const std::string& type, const std::string& list,
                       const std::string& path, meta::FieldErrors& errors) {
  std::string_view text = textOf(address);
  if (type == "FQDN") return addInvalid(path, address, meta::checkDns1123Subdomain(text), errors);
  auto family = familyOf(text);
  if (!family) return addInvalid(path, address, meta::checkIp(text), errors);
  if (type != base::familyName(*family)) {
    errors.push_back(meta::invalidField(list, address, "must be an " + type + " address"));
  }
  addInvalid(path, address, checkUsableIp(text), errors);
}

void checkEndpoint(const json::Value& endpoint, const std::string& type, const std::string& path,
                   meta::FieldErrors& errors) {
  std::string list = path + ".addresses";
  const json::Array& addresses = arrayAt(endpoint, "addresses");
  if (addresses.empty()) errors.push_back(meta::requiredField(list, "must contain at least 1 item"));
  forEachItem(addresses, list, [&](const json::Value& address, const std::string& at) {
    checkSliceAddress(address, type, list, at, errors);
  });
  checkHostname(endpoint, path, errors);
}

void checkSlicePorts(const json::Array& ports, meta::FieldErrors& errors) {
  std::set<std::string_view> names;
  forEachItem(ports, "ports", [&](const json::Value& port, const std::string& at) {
    std::string_view name = getString(port, "name");
    if (!name.empty()) addInvalid(at + ".name", json::Value(name), meta::checkDns1123Label(name), errors);
    if (!names.insert(name).second) errors.push_back(meta::duplicateField(at + ".name", json::Value(name)));
  });
}

}  // namespace

void validateEndpoints(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  forEachItem(arrayAt(request.object, "subsets"), "subsets",
              [&](const json::Value& subset, const std::string& path) { checkSubset(subset, path, errors); });
}

void validateEndpointSlice(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  std::string type(getString(request.object, "addressType"));
  if (type != "IPv4" && type != "IPv6" && type != "FQDN") return;  // said by the schema
  forEachItem(
      arrayAt(request.object, "endpoints"), "endpoints",
      [&](const json::Value& endpoint, const std::string& path) { checkEndpoint(endpoint, type, path, errors); });
  checkSlicePorts(arrayAt(request.object, "ports"), errors);
}

}  // namespace wherry::apiserver

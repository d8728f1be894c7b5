#include "apiserver/proxy_target.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr uint16_t kKubeletPort = 10250;

const json::Array& listOf(const json::Value& tree, std::string_view path) {
  static const json::Array kNone;
  const auto* list = json::find(tree, path);
  return list && list->is_array() ? list->get_array() : kNone;
}

uint16_t requirePort(std::string_view text, bool tls) {
  if (text.empty()) return tls ? 443 : 80;
  auto port = base::parseInt<uint16_t>(text);
  if (!port || *port == 0) throw meta::serviceUnavailable(fmt::format("unknown port \"{}\"", text));
  return *port;
}

void requireProxyable(std::string_view address) {
  if (!isProxyable(address)) throw meta::badRequest("address not allowed");
}

meta::ObjectPtr require(const ObjectReader& objects, const char* resource, std::string_view ns, std::string_view name) {
  auto object = objects.find({"", resource}, ns, name);
  if (!object) throw meta::notFound({"", resource}, name);
  return object;
}

ProxyTarget podTarget(const meta::Object& pod, uint16_t port, bool tls) {
  ProxyTarget target{ProxyTarget::Kind::kPod, tls};
  target.node = json::getString(pod.tree(), "spec.nodeName");
  target.ns = pod.metadata().ns();
  target.pod = pod.metadata().name();
  target.podUid = pod.metadata().uid();
  target.address = json::getString(pod.tree(), "status.podIP");
  target.port = port;
  requireProxyable(target.address);
  return target;
}

ProxyTarget findPod(const ObjectReader& objects, const RequestInfo& info, const ProxyName& name) {
  auto pod = require(objects, "pods", info.ns, name.name);
  std::string port = name.port;
  for (const auto& container : listOf(pod->tree(), "spec.containers")) {
    const auto& ports = listOf(container, "ports");
    if (port.empty() && !ports.empty()) port = std::to_string(json::getInt(ports.front(), "containerPort"));
  }
  return podTarget(*pod, requirePort(port, name.tls), name.tls);
}

// The name of the service's port: endpoints have no other.
std::string servicePortName(const meta::Object& service, const ProxyName& name) {
  auto number = base::parseInt<int64_t>(name.port);
  if (!number) return name.port;
  for (const auto& port : listOf(service.tree(), "spec.ports")) {
    if (json::getInt(port, "port") == *number) return std::string(json::getString(port, "name"));
  }
  throw meta::serviceUnavailable(fmt::format("no service port {} found for service \"{}\"", *number, name.name));
}

struct Endpoint {
  const json::Value* endpoint;
  uint16_t port;
};

bool isReady(const json::Value& endpoint) {
  const auto* ready = json::find(endpoint, "conditions.ready");
  return !ready || !ready->is_bool() || ready->get_bool();
}

ProxyTarget endpointTarget(const ObjectReader& objects, const RequestInfo& info, const Endpoint& chosen, bool tls) {
  const auto& endpoint = *chosen.endpoint;
  if (json::getString(endpoint, "targetRef.kind") == "Pod") {
    auto pod = objects.find({"", "pods"}, info.ns, json::getString(endpoint, "targetRef.name"));
    if (pod && !json::getString(pod->tree(), "spec.nodeName").empty()) return podTarget(*pod, chosen.port, tls);
  }
  ProxyTarget target{ProxyTarget::Kind::kAddress, tls};
  const auto& addresses = listOf(endpoint, "addresses");
  if (!addresses.empty() && addresses.front().is_string()) target.address = addresses.front().get_string();
  target.port = chosen.port;
  requireProxyable(target.address);
  return target;
}

ProxyTarget findEndpoint(const ObjectReader& objects, const RequestInfo& info, const ProxyName& name, uint32_t random) {
  auto service = require(objects, "services", info.ns, name.name);
  auto portName = servicePortName(*service, name);
  auto slices = objects.list({"discovery.k8s.io", "endpointslices"}, info.ns);
  std::vector<Endpoint> ready;
  for (const auto& slice : slices) {
    if (slice->metadata().label("kubernetes.io/service-name") != name.name) continue;
    for (const auto& port : listOf(slice->tree(), "ports")) {
      if (json::getString(port, "name") != portName) continue;
      for (const auto& endpoint : listOf(slice->tree(), "endpoints")) {
        if (isReady(endpoint)) ready.push_back({&endpoint, static_cast<uint16_t>(json::getInt(port, "port"))});
      }
    }
  }
  if (ready.empty()) {
    throw meta::serviceUnavailable(fmt::format("no endpoints available for service \"{}\"", info.name));
  }
  return endpointTarget(objects, info, ready[random % ready.size()], name.tls);
}

ProxyTarget findNode(const ObjectReader& objects, const ProxyName& name) {
  auto node = require(objects, "nodes", "", name.name);
  auto kubeletPort = json::getInt(node->tree(), "status.daemonEndpoints.kubeletEndpoint.Port", kKubeletPort);
  if (name.port.empty() || name.port == std::to_string(kubeletPort)) {
    ProxyTarget target{ProxyTarget::Kind::kNode};
    target.node = name.name;
    return target;
  }
  ProxyTarget target{ProxyTarget::Kind::kAddress, name.tls};
  for (const auto& address : listOf(node->tree(), "status.addresses")) {
    if (json::getString(address, "type") == "InternalIP") target.address = json::getString(address, "address");
  }
  requireProxyable(target.address);
  target.port = requirePort(name.port, name.tls);
  return target;
}

}  // namespace

std::optional<ProxyName> parseProxyName(std::string_view text) {
  auto parts = base::split(text, ':');
  ProxyName name;
  if (parts.size() == 3) {
    if (parts[0] != "" && parts[0] != "http" && parts[0] != "https") return std::nullopt;
    name.tls = parts[0] == "https";
    parts.erase(parts.begin());
  }
  if (parts.size() > 2 || parts[0].empty()) return std::nullopt;
  name.name = parts[0];
  if (parts.size() == 2) name.port = parts[1];
  return name;
}

std::string ProxyTarget::host() const {
  bool v6 = address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

bool isProxyable(std::string_view address) {
  auto parsed = base::parseIp(address);
  if (!parsed) return false;
  std::array<uint8_t, 16> bytes{};
  std::ranges::copy(*parsed, bytes.begin());
  if (parsed->size() == 4) {
    bool linkLocal = bytes[0] == 169 && bytes[1] == 254;
    return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224 && !linkLocal;
  }
  bool noneOrLoopback =
      std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t byte) { return byte == 0; }) && bytes[15] <= 1;
  bool linkLocal = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  // ::ffff:127.0.0.1 is 127.0.0.1.
  static constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  bool mapped = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
  return !noneOrLoopback && !linkLocal && !mapped && bytes[0] != 0xff;
}

ProxyTarget findProxyTarget(const ObjectReader& objects, const RequestInfo& info, uint32_t random) {
  auto name = parseProxyName(info.name);
  if (!name) {
    auto kind = info.resource.substr(0, info.resource.size() - 1);
    throw meta::badRequest(fmt::format("invalid {} request \"{}\"", kind, info.name));
  }
  if (info.resource == "pods") return findPod(objects, info, *name);
  if (info.resource == "services") return findEndpoint(objects, info, *name, random);
  return findNode(objects, *name);
}

}  // namespace wherry::apiserver

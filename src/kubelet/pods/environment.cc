#include "kubelet/pods/environment.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "kubelet/pods/expansion.h"
#include "kubelet/volumes/payload.h"

namespace wherry::kubelet {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string variableName(std::string_view serviceName) {
  std::string out;
  for (char c : serviceName) out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

void addPortVariables(const std::string& name, std::string_view ip, const core_v1::ServicePort& port,
                      std::vector<std::pair<std::string, std::string>>& out) {
  std::string protocol(port.protocol().empty() ? "TCP" : port.protocol());
  std::string url = fmt::format("{}://{}:{}", base::toLower(protocol), ip, port.port());
  std::string prefix = fmt::format("{}_PORT_{}_{}", name, port.port(), protocol);
  out.emplace_back(prefix, url);
  out.emplace_back(prefix + "_PROTO", base::toLower(protocol));
  out.emplace_back(prefix + "_PORT", std::to_string(port.port()));
  out.emplace_back(prefix + "_ADDR", ip);
}

class Resolver {
 public:
  Resolver(const core_v1::Pod& pod, const core_v1::Container& container, const PodFacts& facts,
           const ObjectLookup& lookup)
      : pod_(pod), container_(container), facts_(facts), lookup_(lookup), ns_(pod.metadata().ns()) {}

  void addAll(const core_v1::EnvFromSource& source, Environment& into) const {
    bool secret = source.hasSecretRef();
    std::string_view name = secret ? source.secretRef().name() : source.configMapRef().name();
    bool optional = secret ? source.secretRef().optional() : source.configMapRef().optional();
    auto object = secret ? lookup_.secret(ns_, name) : lookup_.configMap(ns_, name);
    if (!object && optional) return;
    if (!object) throw ConfigError(fmt::format("{} \"{}\" not found", secret ? "secret" : "configmap", name));
    auto values = secret ? secretData(core_v1::Secret(object)) : configMapData(core_v1::ConfigMap(object));
    for (auto& [key, value] : values) into.set(std::string(source.prefix()) + key, std::move(value));
  }

  // Nothing when an optional source is missing.
  std::optional<std::string> value(const core_v1::EnvVarSource& source) const {
    if (source.hasFieldRef()) return fieldValue(pod_, facts_, source.fieldRef().fieldPath());
    if (source.hasResourceFieldRef()) return resourceFieldValue(pod_, container_, facts_, source.resourceFieldRef());
    if (source.hasConfigMapKeyRef()) {
      auto ref = source.configMapKeyRef();
      auto object = lookup_.configMap(ns_, ref.name());
      auto data = object ? configMapData(core_v1::ConfigMap(object)) : Data();
      return keyOf(object != nullptr, data, ref.name(), ref.key(), ref.optional(), "configmap", "ConfigMap");
    }
    if (source.hasSecretKeyRef()) {
      auto ref = source.secretKeyRef();
      auto object = lookup_.secret(ns_, ref.name());
      auto data = object ? secretData(core_v1::Secret(object)) : Data();
      return keyOf(object != nullptr, data, ref.name(), ref.key(), ref.optional(), "secret", "Secret");
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> keyOf(bool exists, const Data& data, std::string_view name, std::string_view key,
                                   bool optional, const char* resource, const char* kind) const {
    auto found = data.find(key);
    if (found != data.end()) return found->second;
    if (optional) return std::nullopt;
    if (!exists) throw ConfigError(fmt::format("{} \"{}\" not found", resource, name));
    throw ConfigError(fmt::format("couldn't find key {} in {} {}/{}", key, kind, ns_, name));
  }

  const core_v1::Pod& pod_;
  const core_v1::Container& container_;
  const PodFacts& facts_;
  const ObjectLookup& lookup_;
  std::string ns_;
};

}  // namespace

void Environment::set(std::string_view name, std::string value) {
  auto found =
      std::find_if(variables_.begin(), variables_.end(), [&](auto& variable) { return variable.first == name; });
  if (found != variables_.end()) {
    found->second = std::move(value);
  } else {
    variables_.emplace_back(name, std::move(value));
  }
}

std::optional<std::string> Environment::find(std::string_view name) const {
  for (const auto& [known, value] : variables_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Environment::lines() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : variables_) out.push_back(name + "=" + value);
  return out;
}

std::vector<std::pair<std::string, std::string>> serviceVariables(const std::vector<meta::ObjectPtr>& services) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const meta::ObjectPtr& object : services) {
    core_v1::Service service(object);
    std::string_view ip = service.spec().clusterIP();
    if (ip.empty() || ip == "None" || service.spec().ports().empty()) continue;
    std::string name = variableName(service.metadata().name());
    auto first = service.spec().ports()[0];
    out.emplace_back(name + "_SERVICE_HOST", ip);
    out.emplace_back(name + "_SERVICE_PORT", std::to_string(first.port()));
    for (auto port : service.spec().ports()) {
      if (port.name().empty()) continue;
      out.emplace_back(name + "_SERVICE_PORT_" + variableName(port.name()), std::to_string(port.port()));
    }
    std::string protocol = base::toLower(first.protocol().empty() ? "TCP" : first.protocol());
    out.emplace_back(name + "_PORT", fmt::format("{}://{}:{}", protocol, ip, first.port()));
    for (auto port : service.spec().ports()) addPortVariables(name, ip, port, out);
  }
  return out;
}

Environment resolveEnvironment(const core_v1::Pod& pod, const core_v1::Container& container, const ImageConfig& image,
                               const PodFacts& facts, const ObjectLookup& lookup, std::string_view hostname) {
  Environment environment;
  environment.set("PATH", kDefaultPath);
  environment.set("HOSTNAME", std::string(hostname));
  if (container.tty()) environment.set("TERM", "xterm");
  for (const std::string& line : image.env) {
    if (auto parts = base::splitOnce(line, '=')) environment.set(parts->first, std::string(parts->second));
  }
  // Services stand behind everything that the pod says itself, but may be used in $(NAME).
  Environment services;
  bool links = pod.spec().enableServiceLinksOr(true);
  for (auto& [name, value] : serviceVariables(lookup.services(links ? pod.metadata().ns() : std::string_view()))) {
    services.set(name, std::move(value));
  }
  Resolver resolver(pod, container, facts, lookup);
  Environment own;
  for (auto source : container.envFrom()) resolver.addAll(source, own);
  for (auto variable : container.env()) {
    auto find = [&](std::string_view name) {
      auto value = own.find(name);
      return value ? value : services.find(name);
    };
    std::optional<std::string> value;
    if (variable.hasValueFrom())
      value = resolver.value(variable.valueFrom());
    else
      value = expandVariables(variable.value(), find);
    if (value) own.set(variable.name(), std::move(*value));
  }
  for (const Environment* part : {&services, &own}) {
    for (const std::string& line : part->lines()) {
      auto parts = base::splitOnce(line, '=');
      environment.set(parts->first, std::string(parts->second));
    }
  }
  return environment;
}

std::vector<std::string> resolveArguments(const core_v1::Container& container, const ImageConfig& image,
                                          const Environment& environment) {
  auto find = [&](std::string_view name) { return environment.find(name); };
  std::vector<std::string> out = image.entrypoint, args = image.cmd;
  if (!container.command().empty()) {
    out.clear();
    args.clear();
    for (std::string_view part : container.command()) out.push_back(expandVariables(part, find));
  }
  if (!container.args().empty()) {
    args.clear();
    for (std::string_view part : container.args()) args.push_back(expandVariables(part, find));
  }
  out.insert(out.end(), args.begin(), args.end());
  if (out.empty()) throw ConfigError("no command specified");
  return out;
}

}  // namespace wherry::kubelet

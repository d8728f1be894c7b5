#include "kubelet/volumes/payload.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "kubelet/pods/pod_containers.h"

namespace wherry::kubelet {
namespace {

constexpr int64_t kDefaultMode = 0644;
constexpr int64_t kTokenMode = 0600;

// The user that all containers run as; nothing when they differ or one doesn't say.
std::optional<int64_t> onlyUserOf(const core_v1::Pod& pod) {
  std::optional<int64_t> user;
  for (const PodContainer& container : containersOf(pod)) {
    if (container.kind == ContainerKind::kEphemeral) continue;
    auto own = container.spec.securityContext();
    auto all = pod.spec().securityContext();
    if (!own.hasRunAsUser() && !all.hasRunAsUser()) return std::nullopt;
    int64_t runs = own.hasRunAsUser() ? own.runAsUser() : all.runAsUser();
    if (user && *user != runs) return std::nullopt;
    user = runs;
  }
  return user;
}

std::string decoded(const json::Value& value) {
  if (!value.is_string()) return {};
  return base::decodeBase64(value.get_string()).value_or("");
}

// A path from an object must stay below the volume.
std::string checkedPath(std::string_view path) {
  bool climbs = false;
  for (std::string_view part : base::split(path, '/')) climbs = climbs || part == "..";
  if (path.empty() || path.front() == '/' || climbs)
    throw ConfigError(fmt::format("invalid path in a volume: {}", path));
  return std::string(path);
}

class PayloadBuilder {
 public:
  PayloadBuilder(const core_v1::Pod& pod, const PodFacts& facts, const ObjectLookup& lookup, int64_t defaultMode)
      : pod_(pod), facts_(facts), lookup_(lookup), defaultMode_(defaultMode) {}

  template <typename Source>
  void addConfigMap(const Source& source) {
    auto object = lookup_.configMap(pod_.metadata().ns(), source.name());
    if (!object && source.optional()) return;
    if (!object) throw ConfigError(fmt::format("configmap \"{}\" not found", source.name()));
    addData(configMapData(core_v1::ConfigMap(object)), source.items(), source.optional(), "config");
  }

  template <typename Source>
  void addSecret(const Source& source, std::string_view name) {
    auto object = lookup_.secret(pod_.metadata().ns(), name);
    if (!object && source.optional()) return;
    if (!object) throw ConfigError(fmt::format("secret \"{}\" not found", name));
    addData(secretData(core_v1::Secret(object)), source.items(), source.optional(), "secret");
  }

  template <typename Source>
  void addDownwardApi(const Source& source) {
    for (auto item : source.items()) {
      std::string content;
      if (item.hasFieldRef()) content = fieldValue(pod_, facts_, item.fieldRef().fieldPath());
      if (item.hasResourceFieldRef()) {
        content = resourceFieldValue(pod_, core_v1::Container(), facts_, item.resourceFieldRef());
      }
      add(item.path(), std::move(content), item.modeOr(defaultMode_));
    }
  }

  void addProjected(const core_v1::ProjectedVolumeSource& projected, const TokenSource& token) {
    for (auto source : projected.sources()) {
      if (source.hasConfigMap()) addConfigMap(source.configMap());
      if (source.hasSecret()) addSecret(source.secret(), source.secret().name());
      if (source.hasDownwardAPI()) addDownwardApi(source.downwardAPI());
      if (source.hasClusterTrustBundle() && !source.clusterTrustBundle().optional()) {
        throw ConfigError("unable to list ClusterTrustBundles: the server could not find the requested resource");
      }
      if (!source.hasServiceAccountToken()) continue;
      auto text = token(source.serviceAccountToken());
      if (text) addToken(source.serviceAccountToken().path(), std::move(*text));
    }
  }

  Payload take() { return std::move(payload_); }

 private:
  void addData(const Data& data, const schema::List<core_v1::KeyToPath>& items, bool optional, const char* kind) {
    if (items.empty()) {
      for (const auto& [key, value] : data) add(key, value, defaultMode_);
      return;
    }
    for (auto item : items) {
      auto found = data.find(item.key());
      if (found != data.end())
        add(item.path(), found->second, item.modeOr(defaultMode_));
      else if (!optional)
        throw ConfigError(fmt::format("references non-existent {} key: {}", kind, item.key()));
    }
  }

  // As upstream: where it is known who reads a token, nobody else does.
  void addToken(std::string_view path, std::string text) {
    auto user = onlyUserOf(pod_);
    bool known = user || pod_.spec().securityContext().hasFsGroup();
    payload_[checkedPath(path)] = {std::move(text), known ? kTokenMode : defaultMode_, user};
  }

  void add(std::string_view path, std::string content, int64_t mode) {
    payload_[checkedPath(path)] = {std::move(content), mode};
  }

  const core_v1::Pod& pod_;
  const PodFacts& facts_;
  const ObjectLookup& lookup_;
  int64_t defaultMode_;
  Payload payload_;
};

int64_t defaultModeOf(const core_v1::Volume& volume) {
  if (volume.hasConfigMap()) return volume.configMap().defaultModeOr(kDefaultMode);
  if (volume.hasSecret()) return volume.secret().defaultModeOr(kDefaultMode);
  if (volume.hasDownwardAPI()) return volume.downwardAPI().defaultModeOr(kDefaultMode);
  return volume.projected().defaultModeOr(kDefaultMode);
}

}  // namespace

Data configMapData(const core_v1::ConfigMap& configMap) {
  Data out;
  for (const auto& [key, value] : configMap.data().tree()) {
    if (value.is_string()) out[std::string(key)] = value.get_string();
  }
  for (const auto& [key, value] : configMap.binaryData().tree()) out[std::string(key)] = decoded(value);
  return out;
}

Data secretData(const core_v1::Secret& secret) {
  Data out;
  for (const auto& [key, value] : secret.data().tree()) out[std::string(key)] = decoded(value);
  return out;
}

bool hasPayload(const core_v1::Volume& volume) {
  return volume.hasConfigMap() || volume.hasSecret() || volume.hasDownwardAPI() || volume.hasProjected();
}

Payload volumePayload(const core_v1::Pod& pod, const core_v1::Volume& volume, const PodFacts& facts,
                      const ObjectLookup& lookup, const TokenSource& token) {
  PayloadBuilder builder(pod, facts, lookup, defaultModeOf(volume));
  if (volume.hasConfigMap()) builder.addConfigMap(volume.configMap());
  if (volume.hasSecret()) builder.addSecret(volume.secret(), volume.secret().secretName());
  if (volume.hasDownwardAPI()) builder.addDownwardApi(volume.downwardAPI());
  if (volume.hasProjected()) builder.addProjected(volume.projected(), token);
  return builder.take();
}

}  // namespace wherry::kubelet

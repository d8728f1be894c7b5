#include "kubelet/volumes/object_uses.h"

#include <algorithm>

#include "json/value.h"
#include "kubelet/pods/pod_containers.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {
namespace {

bool volumeUses(const core_v1::Volume& volume, SourceKind kind, std::string_view name) {
  bool configMap = kind == SourceKind::kConfigMap;
  bool itself = configMap ? volume.hasConfigMap() && volume.configMap().name() == name
                          : volume.hasSecret() && volume.secret().secretName() == name;
  if (itself) return true;
  for (auto source : volume.projected().sources()) {
    bool projected = configMap ? source.hasConfigMap() && source.configMap().name() == name
                               : source.hasSecret() && source.secret().name() == name;
    if (projected) return true;
  }
  return false;
}

bool environmentUses(const core_v1::Container& container, SourceKind kind, std::string_view name) {
  bool configMap = kind == SourceKind::kConfigMap;
  for (auto source : container.envFrom()) {
    if ((configMap ? source.configMapRef().name() : source.secretRef().name()) == name) return true;
  }
  for (auto variable : container.env()) {
    auto from = variable.valueFrom();
    if ((configMap ? from.configMapKeyRef().name() : from.secretKeyRef().name()) == name) return true;
  }
  return false;
}

bool showsThePod(const core_v1::Volume& volume) {
  bool shows = volume.hasDownwardAPI();
  for (auto source : volume.projected().sources()) shows = shows || source.hasDownwardAPI();
  return shows;
}

}  // namespace

bool usesObject(const core_v1::Pod& pod, SourceKind kind, std::string_view name) {
  if (kind == SourceKind::kClaim) {
    auto claims = meta::claimNamesOf(*pod.object());
    return std::find(claims.begin(), claims.end(), name) != claims.end();
  }
  for (auto volume : pod.spec().volumes()) {
    if (volumeUses(volume, kind, name)) return true;
  }
  auto containers = containersOf(pod);
  return std::any_of(containers.begin(), containers.end(),
                     [&](const PodContainer& container) { return environmentUses(container.spec, kind, name); });
}

size_t downwardDigest(const core_v1::Pod& pod) {
  bool any = false;
  for (auto volume : pod.spec().volumes()) any = any || showsThePod(volume);
  if (!any) return 0;
  std::string shown;
  for (const char* path : {"metadata.labels", "metadata.annotations"}) {
    const json::Value* value = json::find(pod.object()->tree(), path);
    shown += value ? json::serialize(*value) : std::string();
    shown += '\n';
  }
  for (const PodContainer& container : containersOf(pod)) {
    const json::Value* resources = container.spec.tree().if_contains("resources");
    if (resources) shown += json::serialize(*resources);
  }
  return std::hash<std::string>()(shown);
}

}  // namespace wherry::kubelet

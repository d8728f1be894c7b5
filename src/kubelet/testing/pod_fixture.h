// Pods for tests, written as manifests.
#pragma once

#include <string>
#include <string_view>

#include "json/yaml.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

inline constexpr const char* kTestUid = "11111111-2222-3333-4444-555555555555";

// `spec` is the YAML of a pod's spec, `metadata` and `status` more of these.
inline core_v1::Pod makePod(std::string_view spec, std::string_view metadata = {}, std::string_view status = {}) {
  json::Object meta{{"name", "web"}, {"namespace", "default"}, {"uid", kTestUid}};
  if (!metadata.empty()) {
    json::Value more = json::parseYaml(metadata);
    for (const auto& [key, value] : more.get_object()) meta[key] = value;
  }
  json::Object pod{
      {"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(meta)}, {"spec", json::parseYaml(spec)}};
  if (!status.empty()) pod["status"] = json::parseYaml(status);
  return core_v1::Pod(std::make_shared<const meta::Object>(json::Value(std::move(pod))));
}

}  // namespace wherry::kubelet

// Objects for tests, from the YAML a user would write.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/yaml.h"
#include "meta/object.h"

namespace wherry::controllers {

inline meta::ObjectPtr objectOf(std::string_view yaml) {
  return std::make_shared<const meta::Object>(json::parseYaml(yaml));
}

// All documents of a stream ("---" between them) as views.
template <typename V>
std::vector<V> objectsOf(std::string_view yaml) {
  std::vector<V> objects;
  for (auto& tree : json::parseYamlStream(yaml))
    objects.emplace_back(std::make_shared<const meta::Object>(std::move(tree)));
  return objects;
}

// Ten minutes after the objects' usual creationTimestamp in tests, '2026-01-01T00:00:00Z'.
inline const base::WallTime kNow{std::chrono::seconds(1'767'225'600 + 600)};

}  // namespace wherry::controllers

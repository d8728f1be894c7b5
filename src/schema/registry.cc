#include "schema/registry.h"

#include <algorithm>
#include <utility>

namespace wherry::schema {
namespace {

std::string keyOf(std::string_view group, std::string_view version, std::string_view name) {
  std::string key;
  key.reserve(group.size() + version.size() + name.size() + 2);
  return key.append(group).append("/").append(version).append("/").append(name);
}

// Kinds by resource and by name.
class KindIndex {
 public:
  void addResource(const KindPtr& kind) {
    const meta::Resource& resource = kind->resource;
    resources_.emplace(keyOf(resource.group, resource.version, resource.resource), kind);
    addName(kind);
  }
  void addName(const KindPtr& kind) {
    const meta::Resource& resource = kind->resource;
    kinds_.emplace(keyOf(resource.group, resource.version, resource.kind), kind);
  }

  KindPtr findResource(std::string_view group, std::string_view version, std::string_view resource) const {
    return find(resources_, keyOf(group, version, resource));
  }
  KindPtr findKind(const meta::GroupVersionKind& kind) const {
    return find(kinds_, keyOf(kind.group, kind.version, kind.kind));
  }

 private:
  using Map = std::map<std::string, KindPtr>;
  static KindPtr find(const Map& map, const std::string& key) {
    auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
  }

  Map resources_;
  Map kinds_;
};

class PlainRegistry : public Registry {
 public:
  explicit PlainRegistry(RegistryParts parts) : parts_(std::move(parts)) {
    for (const KindPtr& kind : parts_.kinds) index_.addResource(kind);
    for (const KindPtr& kind : parts_.bareKinds) index_.addName(kind);
  }

  KindPtr findResource(std::string_view group, std::string_view version, std::string_view resource) const override {
    return index_.findResource(group, version, resource);
  }
  KindPtr findKind(const meta::GroupVersionKind& kind) const override { return index_.findKind(kind); }
  const std::vector<KindPtr>& kinds() const override { return parts_.kinds; }
  NodePtr findDefinition(std::string_view name) const override {
    auto found = parts_.definitions.find(name);
    return found == parts_.definitions.end() ? nullptr : found->second;
  }

 private:
  RegistryParts parts_;
  KindIndex index_;
};

class ExtendedRegistry : public Registry {
 public:
  ExtendedRegistry(RegistryPtr base, std::vector<KindPtr> added) : base_(std::move(base)), kinds_(base_->kinds()) {
    for (KindPtr& kind : added) {
      const meta::Resource& resource = kind->resource;
      if (hasResource(*base_, {resource.group, resource.resource})) continue;
      index_.addResource(kind);
      kinds_.push_back(std::move(kind));
    }
  }

  KindPtr findResource(std::string_view group, std::string_view version, std::string_view resource) const override {
    if (KindPtr kind = base_->findResource(group, version, resource)) return kind;
    return index_.findResource(group, version, resource);
  }
  KindPtr findKind(const meta::GroupVersionKind& kind) const override {
    if (KindPtr found = base_->findKind(kind)) return found;
    return index_.findKind(kind);
  }
  const std::vector<KindPtr>& kinds() const override { return kinds_; }
  NodePtr findDefinition(std::string_view name) const override { return base_->findDefinition(name); }

 private:
  RegistryPtr base_;
  std::vector<KindPtr> kinds_;
  KindIndex index_;
};

}  // namespace

bool hasResource(const Registry& registry, const meta::GroupResource& resource) {
  return std::ranges::any_of(registry.kinds(), [&](const KindPtr& kind) {
    return kind->resource.group == resource.group && kind->resource.resource == resource.resource;
  });
}

RegistryPtr makeRegistry(RegistryParts parts) { return std::make_shared<PlainRegistry>(std::move(parts)); }

RegistryPtr extendRegistry(RegistryPtr base, std::vector<KindPtr> kinds) {
  return std::make_shared<ExtendedRegistry>(std::move(base), std::move(kinds));
}

}  // namespace wherry::schema

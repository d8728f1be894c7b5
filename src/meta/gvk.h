// The names of kinds and resources, and of an API path. Pure values.
#pragma once

#include <string>
#include <string_view>

namespace wherry::meta {

struct GroupVersion {
  std::string group;  // "" is the core group
  std::string version;

  std::string apiVersion() const;                          // "v1", "apps/v1"
  static GroupVersion parse(std::string_view apiVersion);  // "v1" -> {"", "v1"}
  auto operator<=>(const GroupVersion&) const = default;
};

struct GroupVersionKind {
  std::string group;
  std::string version;
  std::string kind;

  std::string apiVersion() const { return GroupVersion{group, version}.apiVersion(); }
  auto operator<=>(const GroupVersionKind&) const = default;
};

struct GroupResource {
  std::string group;
  std::string resource;  // plural, lower case: "deployments"

  std::string text() const;  // "deployments.apps", "pods"
  auto operator<=>(const GroupResource&) const = default;
};

enum class Scope { kNamespaced, kCluster };

// One served resource: what a client needs to build its path and read its objects.
struct Resource {
  std::string group;
  std::string version;
  std::string resource;
  std::string kind;
  Scope scope = Scope::kNamespaced;

  GroupResource groupResource() const { return {group, resource}; }
  std::string apiVersion() const { return GroupVersion{group, version}.apiVersion(); }
  // "/apis/apps/v1/namespaces/default/deployments/web/status"; each empty argument is left out.
  std::string path(std::string_view ns, std::string_view name = {}, std::string_view subresource = {}) const;
  auto operator<=>(const Resource&) const = default;
};

// The key of an object in a cache or a workqueue: "namespace/name", or "name" when it has no namespace.
struct ObjectKey {
  std::string ns;
  std::string name;

  std::string text() const { return ns.empty() ? name : ns + "/" + name; }
  static ObjectKey parse(std::string_view text);
  auto operator<=>(const ObjectKey&) const = default;
};

}  // namespace wherry::meta

// Discovery: which groups, versions and resources there are, in the old form (one document for each group and version)
// and the aggregated one (KEP-3352).
#include <algorithm>

#include "schema/openapi.h"

namespace wherry::schema {
namespace {

json::Array textArray(const std::vector<std::string>& texts) { return json::Array(texts.begin(), texts.end()); }

bool isNamespaced(const Kind& kind) { return kind.resource.scope == meta::Scope::kNamespaced; }

// The versions of a group, preferred one first; empty when there is no such group.
std::vector<std::string> versionsOf(const Registry& registry, std::string_view group) {
  std::vector<std::string> versions;
  for (const KindPtr& kind : registry.kinds()) {
    const meta::Resource& resource = kind->resource;
    if (resource.group != group) continue;
    if (std::ranges::find(versions, resource.version) == versions.end()) versions.push_back(resource.version);
  }
  return versions;
}

std::vector<std::string> groupsOf(const Registry& registry) {
  std::vector<std::string> groups;
  for (const KindPtr& kind : registry.kinds()) {
    const std::string& group = kind->resource.group;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  return groups;
}

json::Object groupVersionEntry(const std::string& group, const std::string& version) {
  return {{"groupVersion", meta::GroupVersion{group, version}.apiVersion()}, {"version", version}};
}

json::Object groupEntry(const std::string& group, const std::vector<std::string>& versions) {
  json::Array entries;
  for (const std::string& version : versions) entries.push_back(groupVersionEntry(group, version));
  return {
      {"name", group}, {"versions", std::move(entries)}, {"preferredVersion", groupVersionEntry(group, versions[0])}};
}

json::Object resourceEntry(const Kind& kind) {
  json::Object entry = {{"name", kind.resource.resource},
                        {"singularName", kind.singular},
                        {"namespaced", isNamespaced(kind)},
                        {"kind", kind.resource.kind},
                        {"verbs", textArray(kind.verbs)}};
  if (!kind.shortNames.empty()) entry["shortNames"] = textArray(kind.shortNames);
  if (!kind.categories.empty()) entry["categories"] = textArray(kind.categories);
  if (!kind.storageVersionHash.empty() && !kind.virtualKind) entry["storageVersionHash"] = kind.storageVersionHash;
  return entry;
}

// Group and version of a subresource's kind; both empty when they are its parent's.
meta::GroupVersion foreignGroupVersion(const Kind& kind, const Subresource& subresource) {
  meta::GroupVersion theirs{subresource.kind.group, subresource.kind.version};
  if (theirs == meta::GroupVersion{kind.resource.group, kind.resource.version}) return {};
  return theirs;
}

json::Object subresourceEntry(const Kind& kind, const Subresource& subresource) {
  json::Object entry = {{"name", kind.resource.resource + "/" + subresource.name},
                        {"singularName", ""},
                        {"namespaced", isNamespaced(kind)}};
  meta::GroupVersion foreign = foreignGroupVersion(kind, subresource);
  if (!foreign.version.empty()) {
    entry["group"] = foreign.group;
    entry["version"] = foreign.version;
  }
  entry["kind"] = subresource.kind.kind;
  entry["verbs"] = textArray(subresource.verbs);
  return entry;
}

// A custom kind names its group and version; a built-in one leaves its own out, as it always has.
json::Object responseKind(const Kind& kind, meta::GroupVersion groupVersion, const std::string& name) {
  if (kind.custom && groupVersion.version.empty()) groupVersion = {kind.resource.group, kind.resource.version};
  return {{"group", groupVersion.group}, {"version", groupVersion.version}, {"kind", name}};
}

json::Array aggregatedSubresources(const Kind& kind) {
  json::Array entries;
  for (const Subresource& subresource : kind.subresources) {
    entries.push_back(json::Object{
        {"subresource", subresource.name},
        {"responseKind", responseKind(kind, foreignGroupVersion(kind, subresource), subresource.kind.kind)},
        {"verbs", textArray(subresource.verbs)}});
  }
  return entries;
}

json::Object aggregatedResource(const Kind& kind) {
  json::Object entry = {{"resource", kind.resource.resource},
                        {"responseKind", responseKind(kind, {}, kind.resource.kind)},
                        {"scope", isNamespaced(kind) ? "Namespaced" : "Cluster"},
                        {"singularResource", kind.singular},
                        {"verbs", textArray(kind.verbs)}};
  if (!kind.shortNames.empty()) entry["shortNames"] = textArray(kind.shortNames);
  if (!kind.categories.empty()) entry["categories"] = textArray(kind.categories);
  if (!kind.subresources.empty()) entry["subresources"] = aggregatedSubresources(kind);
  return entry;
}

json::Array aggregatedVersions(const Registry& registry, const std::string& group) {
  json::Array entries;
  for (const std::string& version : versionsOf(registry, group)) {
    json::Array resources;
    for (const KindPtr& kind : registry.kinds()) {
      if (kind->resource.group == group && kind->resource.version == version) {
        resources.push_back(aggregatedResource(*kind));
      }
    }
    entries.push_back(
        json::Object{{"version", version}, {"resources", std::move(resources)}, {"freshness", "Current"}});
  }
  return entries;
}

}  // namespace

json::Value apiVersions() {
  return json::Object{
      {"kind", "APIVersions"}, {"versions", json::Array{"v1"}}, {"serverAddressByClientCIDRs", json::Array()}};
}

json::Value apiGroupList(const Registry& registry) {
  json::Array groups;
  for (const std::string& group : groupsOf(registry)) {
    if (!group.empty()) groups.push_back(groupEntry(group, versionsOf(registry, group)));
  }
  return json::Object{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

json::Value apiGroup(const Registry& registry, std::string_view group) {
  std::vector<std::string> versions = versionsOf(registry, group);
  if (group.empty() || versions.empty()) return nullptr;
  json::Object document = {{"kind", "APIGroup"}, {"apiVersion", "v1"}};
  for (auto& member : groupEntry(std::string(group), versions)) document[member.key()] = std::move(member.value());
  return document;
}

json::Value apiResourceList(const Registry& registry, const meta::GroupVersion& groupVersion) {
  json::Array resources;
  for (const KindPtr& kind : registry.kinds()) {
    if (kind->resource.group != groupVersion.group || kind->resource.version != groupVersion.version) continue;
    resources.push_back(resourceEntry(*kind));
    for (const Subresource& subresource : kind->subresources) {
      resources.push_back(subresourceEntry(*kind, subresource));
    }
  }
  if (resources.empty()) return nullptr;
  json::Object document = {{"kind", "APIResourceList"}};
  // The core group's list has never said its own apiVersion.
  if (!groupVersion.group.empty()) document["apiVersion"] = "v1";
  document["groupVersion"] = groupVersion.apiVersion();
  document["resources"] = std::move(resources);
  return document;
}

json::Value aggregatedDiscovery(const Registry& registry, DiscoveryRoot root, std::string_view version) {
  json::Array items;
  for (const std::string& group : groupsOf(registry)) {
    if (group.empty() != (root == DiscoveryRoot::kApi)) continue;
    json::Object metadata;
    if (!group.empty()) metadata["name"] = group;
    items.push_back(json::Object{{"metadata", std::move(metadata)}, {"versions", aggregatedVersions(registry, group)}});
  }
  return json::Object{{"kind", "APIGroupDiscoveryList"},
                      {"apiVersion", "apidiscovery.k8s.io/" + std::string(version)},
                      {"metadata", json::Object()},
                      {"items", std::move(items)}};
}

}  // namespace wherry::schema

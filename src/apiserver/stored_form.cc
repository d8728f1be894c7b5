#include "apiserver/stored_form.h"

#include <algorithm>
#include <array>

#include "apiserver/json_scan.h"
#include "apiserver/unreadable.h"

namespace wherry::apiserver {
namespace {

constexpr std::array<std::string_view, 14> kMetadataOrder = {"name",
                                                             "generateName",
                                                             "namespace",
                                                             "uid",
                                                             "resourceVersion",
                                                             "generation",
                                                             "creationTimestamp",
                                                             "deletionTimestamp",
                                                             "deletionGracePeriodSeconds",
                                                             "labels",
                                                             "annotations",
                                                             "ownerReferences",
                                                             "finalizers",
                                                             "managedFields"};

void appendKey(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  out += boost::json::serialize(boost::json::string_view(key));
  out += ':';
}

void appendSortedMap(std::string& out, const json::Object& map) {
  std::vector<const json::Object::value_type*> members;
  for (const auto& member : map) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->key() < b->key(); });
  out += '{';
  for (const auto* member : members) {
    appendKey(out, member->key());
    out += json::serialize(member->value());
  }
  out += '}';
}

void appendMember(std::string& out, std::string_view key, const json::Value& value) {
  appendKey(out, key);
  bool isMap = key == "labels" || key == "annotations";
  if (isMap && value.is_object()) {
    appendSortedMap(out, value.get_object());
  } else {
    out += json::serialize(value);
  }
}

// The text around the revision's digits.
struct Parts {
  std::string head;
  std::string tail;
};

Parts renderMetadata(const json::Object& metadata) {
  Parts parts{R"({"metadata":{)", {}};
  std::string* out = &parts.head;
  for (auto key : kMetadataOrder) {
    if (key == "resourceVersion") {
      appendKey(*out, key);
      *out += '"';
      out = &parts.tail;
      *out += '"';
    } else if (const auto* value = metadata.if_contains(key)) {
      appendMember(*out, key, *value);
    }
  }
  parts.tail += '}';
  return parts;
}

}  // namespace

meta::GroupResource storedResource(const schema::Kind& kind) {
  return {kind.custom ? kind.resource.group : kind.storageGroup, kind.resource.resource};
}

std::string resourcePrefix(const meta::GroupResource& resource) {
  std::string prefix = "/registry/";
  if (!resource.group.empty()) prefix.append(resource.group).append("/");
  return prefix.append(resource.resource).append("/");
}

std::string collectionPrefix(const meta::GroupResource& resource, std::string_view ns) {
  auto prefix = resourcePrefix(resource);
  if (!ns.empty()) prefix.append(ns).append("/");
  return prefix;
}

std::string objectKey(const meta::GroupResource& resource, std::string_view ns, std::string_view name) {
  return collectionPrefix(resource, ns).append(name);
}

meta::ObjectKey parseObjectKey(std::string_view key, std::string_view prefix) {
  return meta::ObjectKey::parse(key.substr(prefix.size()));
}

storage::Render renderStored(const json::Value& object) {
  static const json::Object kEmpty;
  const auto& tree = object.get_object();
  const auto* found = tree.if_contains("metadata");
  auto parts = renderMetadata(found && found->is_object() ? found->get_object() : kEmpty);
  const json::Value* status = nullptr;
  for (const auto& member : tree) {
    if (member.key() == "apiVersion" || member.key() == "kind" || member.key() == "metadata") continue;
    if (member.key() == "status") {
      status = &member.value();
    } else {
      appendMember(parts.tail, member.key(), member.value());
    }
  }
  if (status) appendMember(parts.tail, "status", *status);
  parts.tail += '}';
  return [parts = std::move(parts)](storage::Revision revision) {
    return parts.head + std::to_string(revision) + parts.tail;
  };
}

std::string withRevision(std::string_view bytes, storage::Revision revision) {
  auto found = findPath(bytes, "metadata.resourceVersion");
  if (!found) return std::string(bytes);
  size_t at = static_cast<size_t>(found->data() - bytes.data());
  std::string out(bytes.substr(0, at));
  out.append("\"").append(std::to_string(revision)).append("\"");
  return out.append(bytes.substr(at + found->size()));
}

std::string withTypeMeta(std::string_view apiVersion, std::string_view kind, std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + apiVersion.size() + kind.size() + 32);
  out.append(R"({"kind":")").append(kind).append(R"(","apiVersion":")").append(apiVersion).append(R"(",)");
  return out.append(bytes.substr(1));
}

std::string withTypeMeta(const schema::Kind& kind, std::string_view bytes) {
  return withTypeMeta(kind.resource.apiVersion(), kind.resource.kind, bytes);
}

std::string withoutManagedFields(const schema::Kind& kind, std::string_view bytes) {
  constexpr std::string_view kKey = R"(,"managedFields":)";  // never the first of the metadata
  auto found = findPath(bytes, "metadata.managedFields");
  if (!found) return withTypeMeta(kind, bytes);
  size_t at = static_cast<size_t>(found->data() - bytes.data());
  return withTypeMeta(kind, bytes.substr(0, at - kKey.size())).append(bytes.substr(at + found->size()));
}

net::Bytes sharedBytes(const storage::EntryPtr& entry) { return net::Bytes(entry, &requireReadable(entry)->bytes); }

storage::Index indexStored(std::string_view, std::string_view bytes) {
  storage::Index index;
  if (!isReadable(bytes)) return index;
  auto metadata = findMember(bytes, "metadata");
  if (!metadata) return index;
  if (auto uid = findMember(*metadata, "uid")) index.uid = scalarText(*uid);
  if (auto labels = findMember(*metadata, "labels"); labels && labels->front() == '{') {
    forEachMember(*labels, [&](std::string_view key, std::string_view value) {
      index.labels.emplace_back(std::string(key), scalarText(value));
      return true;
    });
  }
  std::sort(index.labels.begin(), index.labels.end());
  return index;
}

std::vector<std::string> volatilePrefixes() {
  return {"/registry/events/", "/registry/coordination.k8s.io/leases/kube-node-lease/"};
}

}  // namespace wherry::apiserver

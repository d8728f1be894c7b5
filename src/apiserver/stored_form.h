// How objects lie in the store: keys as Kubernetes lays them out, values as JSON without TypeMeta (apiVersion, kind),
// metadata first. What is read is sent as it lies there; only TypeMeta is written in front. Pure.
//
//   /registry/pods/default/web                      core resources
//   /registry/apps/deployments/default/web          all others: group, then resource
//   /registry/namespaces/default                    cluster-scoped: no namespace
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "meta/gvk.h"
#include "net/http.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

// The group and resource that objects of this kind are stored under (events.k8s.io/v1 Events lie with core's).
meta::GroupResource storedResource(const schema::Kind& kind);

std::string resourcePrefix(const meta::GroupResource& resource);  // "/registry/pods/"
// All objects of a namespace, or of all when `ns` is "".
std::string collectionPrefix(const meta::GroupResource& resource, std::string_view ns);
std::string objectKey(const meta::GroupResource& resource, std::string_view ns, std::string_view name);
// "default" and "web" of a key below `prefix`.
meta::ObjectKey parseObjectKey(std::string_view key, std::string_view prefix);

// The bytes of `object` at the revision they get. TypeMeta and metadata.resourceVersion of the tree are left out.
storage::Render renderStored(const json::Value& object);

// Stored bytes as another revision: what watchers get of an object that left their selection.
std::string withRevision(std::string_view bytes, storage::Revision revision);

// {"kind":"Pod","apiVersion":"v1", + the stored bytes
std::string withTypeMeta(std::string_view apiVersion, std::string_view kind, std::string_view bytes);
std::string withTypeMeta(const schema::Kind& kind, std::string_view bytes);

// The same without metadata.managedFields: often the larger part of an object, which who follows it does not look at.
std::string withoutManagedFields(const schema::Kind& kind, std::string_view bytes);

// The entry's bytes, sharing its memory.
net::Bytes sharedBytes(const storage::EntryPtr& entry);

// For the store's options.
storage::Index indexStored(std::string_view key, std::string_view bytes);
// What lives in memory only: Events, and the heartbeats of nodes.
std::vector<std::string> volatilePrefixes();

}  // namespace wherry::apiserver

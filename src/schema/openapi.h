// Discovery and OpenAPI documents of a Registry: what clients read to learn which kinds there are. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

json::Value apiVersions();                                               // /api
json::Value apiGroupList(const Registry& registry);                      // /apis
json::Value apiGroup(const Registry& registry, std::string_view group);  // /apis/apps; null when unknown
json::Value apiResourceList(const Registry& registry, const meta::GroupVersion& groupVersion);  // /apis/apps/v1
// apidiscovery.k8s.io/v2 (or v2beta1) APIGroupDiscoveryList for /api (core only) or /apis (all others).
enum class DiscoveryRoot { kApi, kApis };
json::Value aggregatedDiscovery(const Registry& registry, DiscoveryRoot root, std::string_view version);

json::Value openApiV2(const Registry& registry);
std::string openApiV2Protobuf(const json::Value& v2);  // gnostic openapi.v2.Document
json::Value openApiV3Index(const Registry& registry);  // /openapi/v3, with hashes
json::Value openApiV3(const Registry& registry, const meta::GroupVersion& groupVersion);

}  // namespace wherry::schema

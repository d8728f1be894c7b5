// What the API server refuses, and whom.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

TEST(Api, SaysWhatIsWrongWithARequest) {
  ApiWorld world;
  world.run(R"(
GET /api/v1/nothing
=> 404
PUT /api/v1/namespaces/default/configmaps
  metadata: {name: cm}
=> 405
  reason: MethodNotAllowed
POST /api/v1/namespaces/default/configmaps?fieldValidation=Strict
  metadata: {name: cm}
  bogus: 1
=> 400
POST /api/v1/namespaces/default/configmaps?dryRun=Some
  metadata: {name: cm}
=> 422
GET /api/v1/namespaces/default/configmaps?resourceVersionMatch=Exact
=> 422
)");
  EXPECT_EQ(
      world.call("POST", "/api/v1/namespaces/default/configmaps", "{", {{"Content-Type", "application/json"}}).status,
      400);
  EXPECT_EQ(world.call("POST", "/api/v1/namespaces/default/configmaps", "a=b", {{"Content-Type", "text/x"}}).status,
            415);
  EXPECT_EQ(world.call("GET", "/api/v1/namespaces/default/configmaps", "", {{"Accept", "text/csv"}}).status, 406);
  auto warned = world.call("POST", "/api/v1/namespaces/default/configmaps",
                           R"({"metadata":{"name":"w"},"data":{"a":"1","a":"2"},"bogus":1})");
  EXPECT_EQ(warned.status, 201);
  EXPECT_EQ(warned.headers.get("Warning"), R"(299 - "duplicate field \"data.a\"")");
  EXPECT_EQ(world.call("POST", "/api/v1/namespaces/default/configmaps", std::string(4 << 20, ' ')).status, 413);
  auto deprecated = world.call("GET", "/api/v1/namespaces/default/endpoints");
  EXPECT_EQ(deprecated.headers.get("Warning"),
            R"(299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")");
}

TEST(Api, LetsInWhoMayComeIn) {
  ApiWorld world;
  EXPECT_EQ(world.call("GET", "/api/v1/pods", "", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(world.call("GET", "/api/v1/pods", "", {{"Authorization", ""}}).status, 401);
  EXPECT_EQ(world.call("GET", "/readyz", "", {{"Authorization", ""}}).body, "ok");
  auto guest = world.call("GET", "/api/v1/namespaces/a/pods", "", {{"Authorization", "Bearer guest"}});
  EXPECT_EQ(guest.status, 403);
  EXPECT_EQ(json::getString(json::parse(guest.body), "message"),
            R"(pods is forbidden: User "joe" cannot list resource "pods" in API group "" in the namespace "a")");
  EXPECT_EQ(world.call("GET", "/api/v1/pods", "", {{"Impersonate-User", "joe"}}).status, 403);
}

}  // namespace
}  // namespace wherry::apiserver

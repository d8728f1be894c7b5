#include "apiserver/service_account_tokens.h"

#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/yaml.h"
#include "meta/status.h"
#include "pki/jwt.h"
#include "pki/key.h"

namespace wherry::apiserver {
namespace {

using json::parseYaml;

constexpr auto kIssuer = "https://cluster.test";

// The objects that a test has made.
class Objects : public ObjectReader {
 public:
  void put(const std::string& resource, std::string_view yaml) {
    auto object = std::make_shared<const meta::Object>(parseYaml(yaml));
    objects_[keyOf(resource, object->metadata().ns(), object->metadata().name())] = object;
  }
  void drop(const std::string& resource, std::string_view ns, std::string_view name) {
    objects_.erase(keyOf(resource, ns, name));
  }
  meta::ObjectPtr find(const meta::GroupResource& resource, std::string_view ns, std::string_view name) const override {
    auto found = objects_.find(keyOf(resource.resource, ns, name));
    return found == objects_.end() ? nullptr : found->second;
  }
  std::vector<meta::ObjectPtr> list(const meta::GroupResource&, std::string_view) const override { return {}; }

 private:
  static std::string keyOf(const std::string& resource, std::string_view ns, std::string_view name) {
    return resource + "/" + std::string(ns) + "/" + std::string(name);
  }
  std::map<std::string, meta::ObjectPtr> objects_;
};

struct ServiceAccountTokensTest : testing::Test {
  ServiceAccountTokensTest() {
    objects.put("serviceaccounts", "{metadata: {name: robot, namespace: shop, uid: r1}}");
    objects.put("pods",
                "{metadata: {name: p, namespace: shop, uid: p1}, spec: {serviceAccountName: robot, nodeName: n}}");
    objects.put("secrets", "{metadata: {name: s, namespace: shop, uid: s1}}");
    objects.put("nodes", "{metadata: {name: n, uid: n1}}");
  }

  std::string tokenFor(std::string_view spec) {
    auto answer = tokens.answer("shop", "robot", json::Object{{"spec", parseYaml(spec)}});
    return std::string(json::getString(answer.request, "status.token"));
  }
  bool valid(const std::string& token, const std::vector<std::string>& audiences = {kIssuer}) {
    return tokens.verify(token, audiences).has_value();
  }

  Objects objects;
  base::ManualClock clock;
  std::string key = pki::newPrivateKey();
  ServiceAccountTokens tokens{{key}, kIssuer, objects, clock};
};

TEST_F(ServiceAccountTokensTest, SayWhoseTheyAre) {
  auto verified = tokens.verify(tokenFor("{boundObjectRef: {kind: Pod, apiVersion: v1, name: p, uid: p1}}"), {kIssuer});
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->user.name, "system:serviceaccount:shop:robot");
  EXPECT_EQ(verified->user.uid, "r1");
  EXPECT_EQ(verified->user.groups, (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:shop"}));
  auto& extra = verified->user.extra;
  EXPECT_EQ(extra["authentication.kubernetes.io/pod-name"], std::vector<std::string>{"p"});
  EXPECT_EQ(extra["authentication.kubernetes.io/node-name"], std::vector<std::string>{"n"});
  EXPECT_EQ(extra["authentication.kubernetes.io/credential-id"].at(0).substr(0, 4), "JTI=");
}

TEST_F(ServiceAccountTokensTest, AreAnsweredWithTheirEnd) {
  auto answer = tokens.answer("shop", "robot", parseYaml("{spec: {expirationSeconds: 600}}")).request;
  EXPECT_EQ(json::getString(answer, "status.expirationTimestamp"), "2023-11-14T22:23:20Z");
  EXPECT_EQ(json::serialize(*json::find(answer, "spec.audiences")), R"(["https://cluster.test"])");
  EXPECT_EQ(json::getString(answer, "metadata.name"), "robot");
}

TEST_F(ServiceAccountTokensTest, OutliveTheirKeysTurnToSign) {
  auto token = tokenFor("{}");
  std::string next = pki::newPrivateKey();
  ServiceAccountTokens rotated{{next, key}, kIssuer, objects, clock}, without{{next}, kIssuer, objects, clock};
  EXPECT_TRUE(rotated.verify(token, {kIssuer}));
  EXPECT_FALSE(without.verify(token, {kIssuer}));
  auto answer = rotated.answer("shop", "robot", json::Object()).request;
  EXPECT_TRUE(without.verify(json::getString(answer, "status.token"), {kIssuer})) << "the new key signs";
  EXPECT_EQ(json::find(rotated.keySet(), "keys")->as_array().size(), 2U);
}

TEST_F(ServiceAccountTokensTest, EndWithTheirTime) {
  auto token = tokenFor("{expirationSeconds: 600}");
  clock.advance(std::chrono::seconds(599));
  EXPECT_TRUE(valid(token));
  clock.advance(std::chrono::seconds(1));
  EXPECT_FALSE(valid(token));
}

constexpr auto kInjected = "{expirationSeconds: 3607, boundObjectRef: {kind: Pod, apiVersion: v1, name: p}}";

TEST_F(ServiceAccountTokensTest, OfPodsAreGoodForAYearAndSayWhenTheyAreStale) {
  auto answer = tokens.answer("shop", "robot", json::Object{{"spec", parseYaml(kInjected)}});
  EXPECT_EQ(json::getString(answer.request, "status.expirationTimestamp"), "2023-11-14T23:13:27Z");
  auto token = std::string(json::getString(answer.request, "status.token"));
  clock.advance(std::chrono::seconds(3607));
  EXPECT_EQ(tokens.verify(token, {kIssuer})->staleness, "");
  clock.advance(std::chrono::seconds(5));
  EXPECT_EQ(tokens.verify(token, {kIssuer})->staleness,
            "subject: system:serviceaccount:shop:robot, seconds after warning threshold: 5");
  clock.advance(std::chrono::hours(24 * 365));
  EXPECT_FALSE(valid(token));
}

TEST_F(ServiceAccountTokensTest, OfPodsEndWithTheirTimeWhenNothingIsExtended) {
  ServiceAccountTokens strict({key}, kIssuer, objects, clock, {.extended = false});
  auto ofPod = strict.answer("shop", "robot", json::Object{{"spec", parseYaml(kInjected)}}).request;
  auto plain = tokenFor("{expirationSeconds: 3607}");
  auto ofVault =
      tokenFor("{expirationSeconds: 3607, audiences: [vault], boundObjectRef: {kind: Pod, apiVersion: v1, name: p}}");
  clock.advance(std::chrono::seconds(3607));
  EXPECT_FALSE(valid(std::string(json::getString(ofPod, "status.token"))));
  EXPECT_FALSE(valid(plain)) << "it is no pod's";
  EXPECT_FALSE(valid(ofVault, {"vault"})) << "it is for others";
}

TEST_F(ServiceAccountTokensTest, LiveNoLongerThanTheLongest) {
  objects.put("secrets",
              "{metadata: {name: legacy, namespace: shop, uid: s2}, type: kubernetes.io/service-account-token}");
  ServiceAccountTokens bounded({key}, kIssuer, objects, clock, {.longest = std::chrono::hours(2)});
  const struct {
    const char *name, *spec;
    int64_t seconds;
    std::vector<std::string> warnings;
  } cases[] = {
      {"less", "{expirationSeconds: 7200}", 7200, {}},
      {"more", "{expirationSeconds: 7201}", 7200, {"requested expiration of 7201 seconds shortened to 7200 seconds"}},
      {"of a Secret like all others",
       "{expirationSeconds: 9000, boundObjectRef: {kind: Secret, apiVersion: v1, name: s}}",
       7200,
       {"requested expiration of 9000 seconds shortened to 7200 seconds"}},
      {"of a Secret that is made for it, where nobody renews it",
       "{expirationSeconds: 4294967296, boundObjectRef: {kind: Secret, apiVersion: v1, name: legacy}}",
       4294967296,
       {}},
  };
  for (const auto& c : cases) {
    auto answer = bounded.answer("shop", "robot", json::Object{{"spec", parseYaml(c.spec)}});
    EXPECT_EQ(json::getInt(answer.request, "spec.expirationSeconds"), c.seconds) << c.name;
    EXPECT_EQ(answer.warnings, c.warnings) << c.name;
  }
  auto ofPod = bounded.answer("shop", "robot", json::Object{{"spec", parseYaml(kInjected)}}).request;
  clock.advance(std::chrono::hours(3));
  EXPECT_TRUE(valid(std::string(json::getString(ofPod, "status.token")))) << "extended, whatever the longest is";
}

TEST_F(ServiceAccountTokensTest, AreForTheirAudiences) {
  auto token = tokenFor("{audiences: [vault, shop]}");
  EXPECT_FALSE(valid(token)) << "not for the API server";
  EXPECT_EQ(tokens.verify(token, {"vault", "other"})->audiences, std::vector<std::string>{"vault"});
}

TEST_F(ServiceAccountTokensTest, EndWithWhatTheyAreBoundTo) {
  auto plain = tokenFor("{}");
  auto ofPod = tokenFor("{boundObjectRef: {kind: Pod, apiVersion: v1, name: p}}");
  auto ofSecret = tokenFor("{boundObjectRef: {kind: Secret, apiVersion: v1, name: s}}");
  auto ofNode = tokenFor("{boundObjectRef: {kind: Node, apiVersion: v1, name: n}}");
  EXPECT_TRUE(valid(plain) && valid(ofPod) && valid(ofSecret) && valid(ofNode));
  objects.drop("secrets", "shop", "s");
  EXPECT_FALSE(valid(ofSecret));
  objects.put("nodes", "{metadata: {name: n, uid: n2}}");
  EXPECT_FALSE(valid(ofNode)) << "another node of the same name";
  EXPECT_TRUE(valid(ofPod)) << "whose node is only said";
  objects.put("pods", "{metadata: {name: p, namespace: shop, uid: p1, deletionTimestamp: '2023-11-14T22:13:20Z'}}");
  EXPECT_TRUE(valid(ofPod)) << "it may finish";
  clock.advance(std::chrono::seconds(60));
  EXPECT_FALSE(valid(ofPod));
  EXPECT_TRUE(valid(plain));
  objects.drop("serviceaccounts", "shop", "robot");
  EXPECT_FALSE(valid(plain));
}

TEST_F(ServiceAccountTokensTest, AreOfThisClustersKeyAndIssuer) {
  EXPECT_FALSE(valid(""));
  EXPECT_FALSE(valid("a.b.c"));
  ServiceAccountTokens otherKey({pki::newPrivateKey()}, kIssuer, objects, clock);
  ServiceAccountTokens otherIssuer({key}, "https://elsewhere", objects, clock);
  for (const auto* other : {&otherKey, &otherIssuer}) {
    auto answer = other->answer("shop", "robot", json::Object());
    EXPECT_FALSE(tokens.verify(json::getString(answer.request, "status.token"), {kIssuer, "https://elsewhere"}));
  }
}

TEST_F(ServiceAccountTokensTest, AreRefusedForWhatIsWrong) {
  const struct {
    const char *name, *spec, *reason;
  } cases[] = {
      {"less than ten minutes", "{expirationSeconds: 599}", "Invalid"},
      {"longer than 2^32 seconds", "{expirationSeconds: 4294967297}", "Invalid"},
      {"a pod that is not there", "{boundObjectRef: {kind: Pod, apiVersion: v1, name: q}}", "NotFound"},
      {"another pod of that name", "{boundObjectRef: {kind: Pod, apiVersion: v1, name: p, uid: p0}}", "Conflict"},
      {"a kind that can't be bound to", "{boundObjectRef: {kind: ConfigMap, apiVersion: v1, name: c}}", "BadRequest"},
  };
  for (const auto& [name, spec, reason] : cases) {
    try {
      tokenFor(spec);
      ADD_FAILURE() << name << ": was given";
    } catch (const meta::StatusError& error) {
      EXPECT_EQ(error.reason(), reason) << name;
    }
  }
  objects.put("pods", "{metadata: {name: p, namespace: shop, uid: p1}, spec: {serviceAccountName: other}}");
  EXPECT_THROW(tokenFor("{boundObjectRef: {kind: Pod, apiVersion: v1, name: p}}"), meta::StatusError);
}

TEST(IssuerDiscovery, SaysWhereTheKeysAreAndShowsThem) {
  ApiWorld world;
  auto configuration = json::parse(world.call("GET", "/.well-known/openid-configuration").body);
  EXPECT_EQ(json::getString(configuration, "issuer"), "https://kubernetes.default.svc.cluster.local");
  EXPECT_TRUE(json::getString(configuration, "jwks_uri").ends_with("/openid/v1/jwks"));
  auto keys = world.call("GET", "/openid/v1/jwks");
  EXPECT_EQ(keys.headers.get("Content-Type"), "application/jwk-set+json");
  EXPECT_EQ(json::getString(json::find(json::parse(keys.body), "keys")->as_array().at(0), "kty"), "EC");
}

TEST(TokenRequest, ItsTokenAuthenticatesAndMayDiscover) {
  ApiWorld world;
  world.run(R"(
POST /api/v1/namespaces/default/serviceaccounts
  metadata: {name: robot}
=> 201
POST /api/v1/namespaces/default/serviceaccounts/robot/token
  spec: {audiences: [vault]}
=> 201
  kind: TokenRequest
  apiVersion: authentication.k8s.io/v1
$vault = status.token
POST /apis/authentication.k8s.io/v1/tokenreviews
  spec: {token: $vault, audiences: [vault, other]}
=> 201
  status: {authenticated: true, audiences: [vault], user: {username: "system:serviceaccount:default:robot"}, error: null}
POST /apis/authentication.k8s.io/v1/tokenreviews
  spec: {token: $vault}
=> 201
  status: {authenticated: null, user: {username: null}, error: invalid bearer token}
POST /api/v1/namespaces/default/serviceaccounts/nosuch/token
  {}
=> 404
POST /api/v1/namespaces/default/serviceaccounts/robot/token
  metadata: {name: other}
=> 400
)");
  auto answer = json::parse(world.call("POST", "/api/v1/namespaces/default/serviceaccounts/robot/token", "{}").body);
  std::vector<std::pair<std::string, std::string>> asRobot = {
      {"Authorization", "Bearer " + std::string(json::getString(answer, "status.token"))}};
  EXPECT_EQ(world.call("GET", "/apis", "", asRobot).status, 200);
  EXPECT_EQ(world.call("GET", "/api/v1/namespaces/default/pods", "", asRobot).status, 403);
  auto self = world.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", asRobot);
  EXPECT_EQ(json::getString(json::parse(self.body), "status.userInfo.username"), "system:serviceaccount:default:robot");
  world.run("DELETE /api/v1/namespaces/default/serviceaccounts/robot\n=> 200\n");
  EXPECT_EQ(world.call("GET", "/apis", "", asRobot).status, 401) << "its ServiceAccount is gone";
}

}  // namespace
}  // namespace wherry::apiserver

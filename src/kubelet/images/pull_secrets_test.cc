#include "kubelet/images/pull_secrets.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

meta::ObjectPtr secret(const char* type, const char* key, const char* content) {
  json::Object data{{key, base::encodeBase64(content)}};
  return std::make_shared<const meta::Object>(json::Value(json::Object{{"type", type}, {"data", std::move(data)}}));
}

TEST(PullSecrets, AreJoinedAndTheEarlierWins) {
  EXPECT_EQ(json::serialize(mergePullSecrets(
                {secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", R"({"auths":{"a":{"auth":"1"}}})"),
                 secret("kubernetes.io/dockercfg", ".dockercfg", R"({"a":{"auth":"2"},"b":{"auth":"3"}})")})),
            R"({"a":{"auth":"1"},"b":{"auth":"3"}})");
}

TEST(PullSecrets, AUserNameAndAPasswordAreALoginToo) {
  EXPECT_EQ(json::serialize(mergePullSecrets(
                {secret("kubernetes.io/dockercfg", ".dockercfg", R"({"a":{"username":"u","password":"p"}})")})),
            R"({"a":{"username":"u","password":"p","auth":"dTpw"}})");
}

TEST(PullSecrets, AreGivenOnlyToTheHostsThatTheyAreFor) {
  json::Object logins;
  for (const char* key : {"https://index.docker.io/v1/", "registry.example:5000/team", "other.example"}) {
    logins[key] = json::Object{{"auth", "1"}};
  }
  EXPECT_EQ(json::serialize(loginsFor({"docker.io"}, logins)), R"({"https://index.docker.io/v1/":{"auth":"1"}})");
  EXPECT_EQ(json::serialize(loginsFor({"registry.example:5000"}, logins)),
            R"({"registry.example:5000/team":{"auth":"1"}})");
  EXPECT_TRUE(loginsFor({"registry.example"}, logins).empty());
}

TEST(PullSecrets, ThatHoldNothingAreLeftOut) {
  EXPECT_EQ(mergePullSecrets({}).size(), 0u);
  EXPECT_EQ(mergePullSecrets({secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "not json")}).size(), 0u);
  EXPECT_EQ(mergePullSecrets({secret("Opaque", "x", "y")}).size(), 0u);
}

}  // namespace
}  // namespace wherry::kubelet

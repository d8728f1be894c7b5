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

TEST(PullSecrets, BecomeOneAuthFileInWhichTheEarlierWins) {
  EXPECT_EQ(mergePullSecrets(
                {secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", R"({"auths":{"a":{"auth":"1"}}})"),
                 secret("kubernetes.io/dockercfg", ".dockercfg", R"({"a":{"auth":"2"},"b":{"auth":"3"}})")}),
            R"({"auths":{"a":{"auth":"1"},"b":{"auth":"3"}}})");
}

TEST(PullSecrets, ThatHoldNothingAreLeftOut) {
  EXPECT_EQ(mergePullSecrets({}), "");
  EXPECT_EQ(mergePullSecrets({secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "not json")}), "");
  EXPECT_EQ(mergePullSecrets({secret("Opaque", "x", "y")}), "");
}

}  // namespace
}  // namespace wherry::kubelet

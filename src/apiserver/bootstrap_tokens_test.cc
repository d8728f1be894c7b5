#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

// A Secret of `data` in kube-system, and the answer to who bears 07401b.f395accd246ae52d: "401", or user and groups.
std::string bearerOf(const std::string& data, const std::string& type = "bootstrap.kubernetes.io/token") {
  ApiWorld world;
  world.run("POST /api/v1/namespaces/kube-system/secrets\n  metadata: {name: bootstrap-token-07401b}\n  type: " + type +
            "\n  stringData: " + data + "\n=> 201\n");
  auto answer = world.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}",
                           {{"Authorization", "Bearer 07401b.f395accd246ae52d"}});
  if (answer.status != 201) return std::to_string(answer.status);
  auto review = json::parse(answer.body);
  return std::string(json::getString(review, "status.userInfo.username")) + " " +
         json::serialize(*json::find(review, "status.userInfo.groups"));
}

#define TOKEN "token-id: 07401b, token-secret: f395accd246ae52d"
#define MEANT "usage-bootstrap-authentication: 'true'"

TEST(BootstrapTokens, AreTheirSecrets) {
  const struct {
    const char *name, *data, *expected;
  } cases[] = {
      {"a token", "{" TOKEN ", " MEANT "}",
       R"(system:bootstrap:07401b ["system:bootstrappers","system:authenticated"])"},
      {"with groups", "{" TOKEN ", " MEANT ", auth-extra-groups: 'system:bootstrappers:a,system:bootstrappers:b-2'}",
       R"(system:bootstrap:07401b ["system:bootstrappers","system:bootstrappers:a","system:bootstrappers:b-2",)"
       R"("system:authenticated"])"},
      {"with time left", "{" TOKEN ", " MEANT ", expiration: '2199-01-01T00:00:00Z'}",
       R"(system:bootstrap:07401b ["system:bootstrappers","system:authenticated"])"},
      {"over", "{" TOKEN ", " MEANT ", expiration: '2020-01-01T00:00:00Z'}", "401"},
      {"with an end that nobody can read", "{" TOKEN ", " MEANT ", expiration: soon}", "401"},
      {"for signing only", "{" TOKEN ", usage-bootstrap-signing: 'true'}", "401"},
      {"with a group of masters", "{" TOKEN ", " MEANT ", auth-extra-groups: 'system:masters'}", "401"},
      {"another secret", "{token-id: 07401b, token-secret: f395accd246ae52e, " MEANT "}", "401"},
      {"another name", "{token-id: 07401c, token-secret: f395accd246ae52d, " MEANT "}", "401"},
  };
  for (const auto& each : cases) EXPECT_EQ(bearerOf(each.data), each.expected) << each.name;
  EXPECT_EQ(bearerOf("{" TOKEN ", " MEANT "}", "Opaque"), "401");
}

}  // namespace
}  // namespace wherry::apiserver

#include "controllers/token_secrets.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Secret;
using core_v1::ServiceAccount;
using Step = TokenSecretStep;

#define NAMED "kubernetes.io/service-account.name: robot"

TEST(TokenSecrets, GetTheirTokenAndGoWithTheirServiceAccount) {
  const ServiceAccount robot(objectOf("{metadata: {name: robot, namespace: shop, uid: r1}}"));
  const ServiceAccount none(nullptr);
  const struct {
    const char* name;
    const ServiceAccount& account;
    const char* secret;
    Step expected;
  } cases[] = {
      {"a new one", robot, "{metadata: {annotations: {" NAMED "}}}", Step::kFill},
      {"a whole one", robot,
       "{metadata: {annotations: {" NAMED ", kubernetes.io/service-account.uid: r1}},"
       " data: {token: eA==, namespace: eA==, ca.crt: eA==}}",
       Step::kNothing},
      {"one whose token was taken out", robot,
       "{metadata: {annotations: {" NAMED ", kubernetes.io/service-account.uid: r1}},"
       " data: {namespace: eA==, ca.crt: eA==}}",
       Step::kFill},
      {"one of a ServiceAccount that was made anew", robot,
       "{metadata: {annotations: {" NAMED ", kubernetes.io/service-account.uid: r0}}}", Step::kRemove},
      {"one without its ServiceAccount", none, "{metadata: {annotations: {" NAMED "}}}", Step::kRemove},
      {"one that names none", none, "{metadata: {}}", Step::kNothing},
      {"one that goes", robot, "{metadata: {deletionTimestamp: '2026-01-01T00:00:00Z', annotations: {" NAMED "}}}",
       Step::kNothing},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(decideTokenSecret(Secret(objectOf(each.secret)), each.account), each.expected) << each.name;
  }
}

}  // namespace
}  // namespace wherry::controllers

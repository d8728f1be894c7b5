#include "main/redaction.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::main {
namespace {

std::string redacted(const char* yaml, const char* kind = "Pod") {
  return json::serialize(redactObject(json::parseYaml(yaml), kind));
}

TEST(RedactionTest, OfASecretTheKeysStay) {
  EXPECT_EQ(redacted("{metadata: {name: db}, data: {user: YWxpY2U=}, stringData: {x: plain}}", "Secret"),
            R"({"metadata":{"name":"db"},"data":{"user":"<8 bytes removed>"},"stringData":{"x":"<5 bytes removed>"}})");
}

TEST(RedactionTest, WhatIsNoSecretStays) {
  for (
      const char* kept : {
          R"({"metadata":{"name":"token"},"spec":{"serviceAccountName":"token","volumes":[{"secret":{"secretName":"db"}}]}})",
          R"({"data":{"nginx.conf":"server { listen 80; }"}})",
          R"({"env":[{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"password"}}}]})",
          R"({"spec":{"automountServiceAccountToken":false,"tokenExpirationSeconds":3600}})",
      }) {
    EXPECT_EQ(redacted(kept), kept);
  }
}

TEST(RedactionTest, WhatHoldsASecretGoes) {
  struct Case {
    const char* name;
    const char* object;
  };
  for (const Case& c : {
           Case{"what was applied last",
                R"({metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}}})"},
           Case{"an annotation with a token", R"({metadata: {annotations: {example.io/token: hunter2}}})"},
           Case{"an environment variable", "{env: [{name: DB_PASSWORD, value: hunter2}]}"},
           Case{"a field of a custom object", "{spec: {smtp: {password: hunter2}}}"},
           Case{"a flag", "{args: [--verbose, --db-password=hunter2]}"},
           Case{"a header", "{command: ['curl -H \"Authorization: Bearer hunter2hunter2\"']}"},
           Case{"a token", "{data: {x: eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2}}"},
           Case{"a private key",
                "{data: {x: \"-----BEGIN EC PRIVATE KEY-----\\nhunter2\\n-----END EC PRIVATE KEY-----\"}}"},
           Case{"half a private key", "{data: {x: \"-----BEGIN PRIVATE KEY-----\\nhunter2\\nhun\"}}"},
       }) {
    EXPECT_EQ(redacted(c.object).find("hunter2"), std::string::npos) << c.name << ": " << redacted(c.object);
  }
}

TEST(RedactionTest, ALogKeepsItsLines) {
  EXPECT_EQ(redactText("GET /?token=hunter2&page=2 200\nnext line\n"), "GET /?token=<removed>&page=2 200\nnext line\n");
}

}  // namespace
}  // namespace wherry::main

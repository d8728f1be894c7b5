#include "kubelet/images/registries.h"

#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

constexpr const char* kFile = R"yaml(
mirrors:
  docker.io:
    endpoint: ["https://mirror.example:5000", "http://127.0.0.1:5001/v2/cache/"]
    rewrite:
      "^library/(.*)": "debian/$1"
  "*":
    endpoint: [https://everything.example]
configs:
  "mirror.example:5000":
    auth: {username: sailor, password: "a:b"}
    tls: {ca_file: /etc/wherry/ca.crt}
  old.example:
    tls: {insecure_skip_verify: true}
)yaml";

// One line an endpoint: what is asked, and how.
std::string endpoints(const Registries& registries, std::string_view image) {
  std::string out;
  for (const RegistryEndpoint& endpoint : registries.endpointsFor(*ImageReference::parse(image))) {
    out += endpoint.name();
    if (endpoint.tls.insecure) out += " insecure";
    if (!endpoint.tls.caFile.empty()) out += " ca=" + endpoint.tls.caFile;
    if (!endpoint.login.empty()) out += " auth=" + std::string(endpoint.login.at("auth").as_string());
    out += "\n";
  }
  return out;
}

TEST(Registries, WithoutAFileTheRegistryItselfIsAsked) {
  EXPECT_EQ(endpoints(Registries(), "nginx"), "docker.io/library/nginx\n");
  EXPECT_EQ(endpoints(Registries(), "localhost:5000/app"), "localhost:5000/app insecure\n");
  EXPECT_EQ(endpoints(Registries::read("/nonexistent/registries.yaml"), "nginx"), "docker.io/library/nginx\n");
}

TEST(Registries, MirrorsComeFirstUnderTheirOwnNamesAndWithTheirOwnLogins) {
  EXPECT_EQ(endpoints(Registries::parse(kFile), "nginx:1.27"),
            "mirror.example:5000/debian/nginx ca=/etc/wherry/ca.crt auth=c2FpbG9yOmE6Yg==\n"
            "127.0.0.1:5001/cache/debian/nginx insecure\n"
            "docker.io/library/nginx\n");
  EXPECT_EQ(endpoints(Registries::parse(kFile), "bitnami/redis"),
            "mirror.example:5000/bitnami/redis ca=/etc/wherry/ca.crt auth=c2FpbG9yOmE6Yg==\n"
            "127.0.0.1:5001/cache/bitnami/redis insecure\n"
            "docker.io/bitnami/redis\n");
}

TEST(Registries, AStarStandsForRegistriesThatAreNotNamed) {
  EXPECT_EQ(endpoints(Registries::parse(kFile), "old.example/app"),
            "everything.example/app\nold.example/app insecure\n");
}

TEST(Registries, AFileThatIsWrongSaysWhere) {
  struct Case {
    const char* yaml;
    const char* message;
  };
  const Case cases[] = {
      {"mirror: {}", "the file: unknown key \"mirror\""},
      {"mirrors: [a]", "mirrors: must be a mapping"},
      {"mirrors: {docker.io: {endpoints: []}}", "mirrors[\"docker.io\"]: unknown key \"endpoints\""},
      {"mirrors: {docker.io: {endpoint: x}}", "mirrors[\"docker.io\"]: endpoint must be a list of URLs"},
      {"mirrors: {docker.io: {rewrite: {\"(\": x}}}",
       "mirrors[\"docker.io\"]: rewrite \"(\" is not a pattern with a name"},
      {"configs: {a: {tls: {ca: x}}}", "configs[\"a\"].tls: unknown key \"ca\""},
      {"configs: {a: {auth: {password: x}}}",
       "configs[\"a\"].auth: needs username and password, auth or identity_token"},
  };
  for (const Case& c : cases) {
    try {
      Registries::parse(c.yaml);
      ADD_FAILURE() << c.yaml;
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), c.message);
    }
  }
}

TEST(Registries, APodsOwnLoginComesBeforeTheFiles) {
  auto mirror = Registries::parse(kFile).endpointsFor(*ImageReference::parse("nginx"))[0];
  EXPECT_EQ(mergeLogins({}, mirror), R"({"auths":{"mirror.example:5000":{"auth":"c2FpbG9yOmE6Yg=="}}})");
  EXPECT_EQ(mergeLogins({{"mirror.example:5000", json::Object{{"auth", "cG9k"}}}}, mirror),
            R"({"auths":{"mirror.example:5000":{"auth":"cG9k"}}})");
  EXPECT_EQ(mergeLogins({}, Registries().endpointsFor(*ImageReference::parse("nginx"))[0]), "");
}

}  // namespace
}  // namespace wherry::kubelet

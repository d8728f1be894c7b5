#include "apiserver/audit/policy.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::apiserver::audit {
namespace {

constexpr const char* kPolicy = R"(
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, nonResourceURLs: ["/healthz*", /version]}
  - {level: None, users: ["system:kube-proxy"], verbs: [watch]}
  - {level: RequestResponse, resources: [{group: "", resources: [secrets], resourceNames: [one]}], omitManagedFields: true}
  - {level: Metadata, resources: [{group: "", resources: [secrets, configmaps, pods/log, "*/status"]}]}
  - {level: Request, namespaces: [audited], resources: [{group: apps}], omitStages: [ResponseStarted]}
  - {level: None, userGroups: ["system:nodes"]}
  - {level: Metadata, verbs: [delete]}
)";

TEST(AuditPolicy, TheFirstRuleThatMatchesDecides) {
  struct Row {
    const char* sentence;
    const char* method;
    const char* path;
    User user;
    const char* level;
  };
  const User jane{"jane", {"system:authenticated"}, ""}, node{"n", {"system:nodes"}, ""};
  const Row rows[] = {
      {"a path by its beginning", "GET", "/healthz/ping", jane, "None"},
      {"a path that no rule names", "GET", "/metrics", jane, "None"},
      {"a secret by name", "GET", "/api/v1/namespaces/a/secrets/one", jane, "RequestResponse"},
      {"another secret", "GET", "/api/v1/namespaces/a/secrets/two", jane, "Metadata"},
      {"a subresource by both names", "GET", "/api/v1/namespaces/a/pods/p/log", jane, "Metadata"},
      {"a subresource of anything", "PATCH", "/api/v1/namespaces/a/services/s/status", jane, "Metadata"},
      {"the same resource without it", "GET", "/api/v1/namespaces/a/pods/p", jane, "None"},
      {"a group in a namespace", "POST", "/apis/apps/v1/namespaces/audited/deployments", jane, "Request"},
      {"the group elsewhere", "POST", "/apis/apps/v1/namespaces/other/deployments", jane, "None"},
      {"a verb of anybody", "DELETE", "/api/v1/namespaces/a/pods/p", jane, "Metadata"},
      {"but not of a node", "DELETE", "/api/v1/namespaces/a/pods/p", node, "None"},
  };
  auto policy = Policy::parse(kPolicy);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.sentence);
    auto info = RequestInfo::parse(row.method, row.path, "");
    auto verb = info->isResource ? std::string(verbName(info->verb)) : "get";
    EXPECT_EQ(levelName(policy.decide(row.user, *info, verb).level), row.level);
  }
}

TEST(AuditPolicy, StagesThatThePolicyOrTheRuleOmitsAreNotNoted) {
  auto info = RequestInfo::parse("POST", "/apis/apps/v1/namespaces/audited/deployments", "");
  auto decision = Policy::parse(kPolicy).decide({"jane", {}, ""}, *info, "create");
  EXPECT_FALSE(decision.notes(Stage::kRequestReceived));
  EXPECT_FALSE(decision.notes(Stage::kResponseStarted));
  EXPECT_TRUE(decision.notes(Stage::kResponseComplete));
}

TEST(AuditPolicy, AMistakeInThePolicyIsTold) {
  auto mistake = [](const std::string& rules) -> std::string {
    try {
      Policy::parse("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: " + rules);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(mistake("[{level: Metadata}, {level: All}]"),
            "rules[1].level: Unsupported value: \"All\": supported values: None, Metadata, Request, RequestResponse");
  EXPECT_EQ(mistake("[{level: None, nonResourceURLs: [healthz]}]"),
            "rules[0].nonResourceURLs: Invalid value: \"healthz\": must begin with '/', with a '*' only at its end");
  EXPECT_EQ(mistake("[{level: None, nonResourceURLs: [/a], namespaces: [b]}]"),
            "rules[0].nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs");
  EXPECT_THROW(Policy::parse("kind: Pod"), std::runtime_error);
}

}  // namespace
}  // namespace wherry::apiserver::audit

#include "apiserver/authorization/policy_rule.h"

#include <gtest/gtest.h>

#include "apiserver/authorization/test_roles.h"

namespace wherry::apiserver {
namespace {

struct Case {
  const char* sentence;
  const char* rule;
  const char* request;
  bool permitted;
};

TEST(PolicyRule, PermitsWhatItsFieldsSay) {
  const Case cases[] = {
      {"a rule names verb, group and resource", "{verbs: [get], apiGroups: [''], resources: [pods]}", "get pods", true},
      {"another verb is another right", "{verbs: [get], apiGroups: [''], resources: [pods]}", "list pods", false},
      {"verbs are compared as they are written", "{verbs: [GET], apiGroups: [''], resources: [pods]}", "get pods",
       false},
      {"another group is another resource", "{verbs: [get], apiGroups: [''], resources: [deployments]}",
       "get apps/deployments", false},
      {"* is every group, resource and verb", "{verbs: ['*'], apiGroups: ['*'], resources: ['*']}",
       "approve certificates.k8s.io/signers", true},
      {"* is every subresource too", "{verbs: ['*'], apiGroups: ['*'], resources: ['*']}", "create pods:exec", true},
      {"a resource is not its subresources", "{verbs: [get], apiGroups: [''], resources: [pods]}", "get pods:log",
       false},
      {"a subresource is not its resource", "{verbs: [get], apiGroups: [''], resources: [pods/log]}", "get pods",
       false},
      {"a subresource by its name", "{verbs: [get], apiGroups: [''], resources: [pods/log]}", "get pods:log", true},
      {"*/scale is the scale of everything", "{verbs: [update], apiGroups: ['*'], resources: ['*/scale']}",
       "update apps/deployments:scale", true},
      {"*/scale is nothing else", "{verbs: [update], apiGroups: ['*'], resources: ['*/scale']}",
       "update apps/deployments:status", false},
      {"*/scale is not the resource", "{verbs: [update], apiGroups: ['*'], resources: ['*/scale']}",
       "update apps/deployments", false},
      {"a resource called * with a name after it is no pattern", "{verbs: [get], apiGroups: [''], resources: ['po*']}",
       "get pods", false},
      {"names narrow a rule", "{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a, b]}",
       "get secrets b", true},
      {"another name is not permitted", "{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a]}",
       "get secrets b", false},
      {"a list has no name", "{verbs: [list], apiGroups: [''], resources: [secrets], resourceNames: [a]}",
       "list secrets", false},
      {"* is no name", "{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: ['*']}", "get secrets b",
       false},
      {"a path", "{verbs: [get], nonResourceURLs: [/healthz]}", "get /healthz", true},
      {"a path is not what is below it", "{verbs: [get], nonResourceURLs: [/healthz]}", "get /healthz/ping", false},
      {"/healthz/* is what is below", "{verbs: [get], nonResourceURLs: [/healthz/*]}", "get /healthz/ping", true},
      {"/healthz/* is not /healthz", "{verbs: [get], nonResourceURLs: [/healthz/*]}", "get /healthz", false},
      {"* is every path", "{verbs: ['*'], nonResourceURLs: ['*']}", "post /anything", true},
      {"a rule of paths is for no resource", "{verbs: ['*'], nonResourceURLs: ['*']}", "get pods", false},
      {"a rule of resources is for no path", "{verbs: ['*'], apiGroups: ['*'], resources: ['*']}", "get /healthz",
       false},
      {"a rule without groups permits nothing", "{verbs: ['*'], resources: ['*']}", "get pods", false},
  };
  for (const auto& [sentence, rule, request, permitted] : cases) {
    EXPECT_EQ(ruleFrom(rule).permits(requestFrom(request)), permitted) << sentence;
  }
}

TEST(PolicyRule, IsWrittenAsItWasRead) {
  const char* manifest = "{verbs: [get, list], apiGroups: ['', apps], resources: [pods], resourceNames: [a]}";
  EXPECT_TRUE(json::equal(renderRule(ruleFrom(manifest)), json::parseYaml(manifest)));
  EXPECT_TRUE(readRules(json::parseYaml("{rules: null}")).empty());
}

}  // namespace
}  // namespace wherry::apiserver

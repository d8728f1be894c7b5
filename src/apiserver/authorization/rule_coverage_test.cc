#include "apiserver/authorization/rule_coverage.h"

#include <gtest/gtest.h>

#include "apiserver/authorization/test_roles.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

std::string missing(const char* held, const char* wanted) {
  std::string lines;
  for (const auto& rule : compactRights(uncoveredRights(rulesFrom(held), rulesFrom(wanted)))) {
    lines += renderRights(rule) + "\n";
  }
  return lines;
}

struct Case {
  const char* sentence;
  const char* held;
  const char* wanted;
  const char* missing;
};

TEST(RuleCoverage, SaysWhatIsNotHeld) {
  const Case cases[] = {
      {"who holds a rule may give it away", "[{verbs: [get], apiGroups: [''], resources: [pods]}]",
       "[{verbs: [get], apiGroups: [''], resources: [pods]}]", ""},
      {"who holds nothing may give nothing", "[]", "[{verbs: [get, list], apiGroups: [''], resources: [pods]}]",
       "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}\n"},
      {"only what is lacking is named", "[{verbs: [get], apiGroups: [''], resources: [pods]}]",
       "[{verbs: [get, delete], apiGroups: [''], resources: [pods, pods/log]}]",
       "{APIGroups:[\"\"], Resources:[\"pods/log\"], Verbs:[\"get\" \"delete\"]}\n"
       "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}\n"},
      {"several rules cover one together",
       "[{verbs: [get], apiGroups: [''], resources: [pods]}, {verbs: [list], apiGroups: [''], resources: [pods]}]",
       "[{verbs: [get, list], apiGroups: [''], resources: [pods]}]", ""},
      {"* covers all", "[{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]",
       "[{verbs: [get], apiGroups: [apps], resources: [deployments/scale], resourceNames: [a]}]", ""},
      {"* is not held by who holds all verbs there are", "[{verbs: [get, list], apiGroups: [''], resources: [pods]}]",
       "[{verbs: ['*'], apiGroups: [''], resources: [pods]}]",
       "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"*\"]}\n"},
      {"*/scale covers a scale", "[{verbs: [get], apiGroups: [apps], resources: ['*/scale']}]",
       "[{verbs: [get], apiGroups: [apps], resources: [deployments/scale]}]", ""},
      {"some names are not all", "[{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a]}]",
       "[{verbs: [get], apiGroups: [''], resources: [secrets]}]",
       "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}\n"},
      {"all names cover some", "[{verbs: [get], apiGroups: [''], resources: [secrets]}]",
       "[{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a, b]}]", ""},
      {"another name is lacking", "[{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a]}]",
       "[{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [a, b]}]",
       "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"b\"], Verbs:[\"get\"]}\n"},
      {"a path below", "[{verbs: [get], nonResourceURLs: [/healthz/*]}]",
       "[{verbs: [get], nonResourceURLs: [/healthz/ping, /healthz/*]}]", ""},
      {"another path", "[{verbs: [get], nonResourceURLs: [/healthz]}]", "[{verbs: [get], nonResourceURLs: ['*']}]",
       "{NonResourceURLs:[\"*\"], Verbs:[\"get\"]}\n"},
  };
  for (const auto& [sentence, held, wanted, expected] : cases) {
    EXPECT_EQ(missing(held, wanted), expected) << sentence;
  }
}

TEST(RuleCoverage, IsRefusedWhenItWouldTakeTooLong) {
  PolicyRule wanted;
  for (int i = 0; i < 1000; ++i) {
    auto text = std::to_string(i);
    wanted.verbs.push_back(text);
    wanted.apiGroups.push_back(text);
    wanted.resources.push_back(text);
    wanted.resourceNames.push_back(text);
  }
  EXPECT_THROW(uncoveredRights({}, {wanted}), meta::StatusError);
}

}  // namespace
}  // namespace wherry::apiserver

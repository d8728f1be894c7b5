#include "meta/node_selector.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::meta {
namespace {

TEST(NodeSelector, MatchesLabelsAndTheName) {
  const Object node(json::parseYaml("{metadata: {name: boat, labels: {disk: ssd, cores: '4'}}}"));
  struct Case {
    const char* term;
    bool matches;
  } const cases[] = {
      {"{matchExpressions: [{key: disk, operator: In, values: [ssd, nvme]}]}", true},
      {"{matchExpressions: [{key: disk, operator: NotIn, values: [ssd]}]}", false},
      {"{matchExpressions: [{key: zone, operator: NotIn, values: [a]}]}", true},
      {"{matchExpressions: [{key: disk, operator: Exists}]}", true},
      {"{matchExpressions: [{key: zone, operator: DoesNotExist}]}", true},
      {"{matchExpressions: [{key: cores, operator: Gt, values: ['3']}]}", true},
      {"{matchExpressions: [{key: cores, operator: Lt, values: ['4']}]}", false},
      {"{matchExpressions: [{key: disk, operator: Gt, values: ['3']}]}", false},
      {"{matchExpressions: [{key: disk, operator: Near, values: ['3']}]}", false},
      {"{matchExpressions: [{key: disk, operator: Exists}, {key: zone, operator: Exists}]}", false},
      {"{matchFields: [{key: metadata.name, operator: In, values: [boat]}]}", true},
      {"{matchFields: [{key: metadata.name, operator: In, values: [ship]}]}", false},
      {"{matchFields: [{key: spec.x, operator: In, values: [boat]}]}", false},
      {"{}", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(matchesNodeSelectorTerm(json::parseYaml(c.term).as_object(), node.metadata()), c.matches) << c.term;
  }
}

TEST(NodeSelector, OneTermIsEnough) {
  const Object node(json::parseYaml("{metadata: {name: boat}}"));
  const auto selector = [](std::string_view terms) {
    return json::parseYaml("{nodeSelectorTerms: [" + std::string(terms) + "]}").as_object();
  };
  constexpr std::string_view kBoat = "{matchFields: [{key: metadata.name, operator: In, values: [boat]}]}";
  EXPECT_TRUE(matchesNodeSelector(selector("{}, " + std::string(kBoat)), node.metadata()));
  EXPECT_FALSE(matchesNodeSelector(selector("{}"), node.metadata()));
  EXPECT_FALSE(matchesNodeSelector(selector(""), node.metadata()));
}

}  // namespace
}  // namespace wherry::meta

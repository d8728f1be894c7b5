#include "controllers/resource_quota.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::controllers {
namespace {

TEST(ResourceQuotaController, AsksForACountOnlyWhenTheStatusIsNotAboutWhatIsLimited) {
  struct Row {
    const char* sentence;
    const char* quota;
    const char* patch;  // "" for none
  };
  const Row rows[] = {
      {"a new quota", "spec: {hard: {pods: '2'}}\nstatus: {}", "status: {hard: {pods: '2'}, used: null}"},
      {"one that is counted", "spec: {hard: {pods: '2'}}\nstatus: {hard: {pods: '2'}, used: {pods: '1'}}", ""},
      {"another limit of the same thing", "spec: {hard: {pods: '3'}}\nstatus: {hard: {pods: '2'}, used: {pods: '1'}}",
       "status: {hard: {pods: '3'}, used: null}"},
      {"a limit of another thing",
       "spec: {hard: {pods: '2', secrets: '1'}}\nstatus: {hard: {pods: '2', secrets: '1'}, used: {pods: '1'}}",
       "status: {hard: {pods: '2', secrets: '1'}, used: null}"},
      {"one that limits nothing", "spec: {}\nstatus: {}", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.sentence);
    const meta::Object quota(json::parseYaml(std::string("metadata: {name: q}\n") + row.quota));
    auto patch = decideCount(quota);
    EXPECT_EQ(patch ? json::renderYaml(*patch) : "", row.patch[0] ? json::renderYaml(json::parseYaml(row.patch)) : "");
  }
}

}  // namespace
}  // namespace wherry::controllers

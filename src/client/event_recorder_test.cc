#include "client/event_recorder.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::client {
namespace {

Occurrence scheduled(std::string_view about) {
  return {.involvedObject = json::parseYaml(about).as_object(),
          .component = "default-scheduler",
          .host = "",
          .severity = Severity::kNormal,
          .reason = "Scheduled",
          .message = "Successfully assigned default/web to boat",
          .time = base::WallTime(std::chrono::milliseconds(1'700'000'000'250))};
}

TEST(NewEvent, StandsInTheNamespaceOfWhatItIsAbout) {
  const auto event =
      newEvent(scheduled("{kind: Pod, namespace: shop, name: web, uid: u1, apiVersion: v1, resourceVersion: '7'}"));
  const auto expected = json::parseYaml(R"(
apiVersion: v1
kind: Event
metadata: {name: web.1797a7d5da78ec80, namespace: shop}
involvedObject: {kind: Pod, namespace: shop, name: web, uid: u1, apiVersion: v1, resourceVersion: '7'}
reason: Scheduled
message: Successfully assigned default/web to boat
source: {component: default-scheduler}
firstTimestamp: '2023-11-14T22:13:20Z'
lastTimestamp: '2023-11-14T22:13:20Z'
count: 1
type: Normal
eventTime: null
reportingComponent: default-scheduler
reportingInstance: ''
)");
  auto withoutName = event, expectedWithoutName = expected;
  withoutName.at("metadata").as_object().erase("name");
  expectedWithoutName.at("metadata").as_object().erase("name");
  EXPECT_TRUE(json::equal(withoutName, expectedWithoutName)) << json::renderYaml(event);
  EXPECT_TRUE(json::getString(event, "metadata.name").starts_with("web.")) << json::renderYaml(event);
}

TEST(NewEvent, OfAClusterScopedObjectStandsInDefault) {
  const auto event = newEvent(scheduled("{kind: Node, name: boat, uid: u2, apiVersion: v1}"));
  EXPECT_EQ(json::getString(event, "metadata.namespace"), "default");
}

TEST(CountedEvent, ChangesOnlyCountAndLastTimestamp) {
  const auto patch = countedEvent(scheduled("{kind: Pod, namespace: shop, name: web}"), 3);
  EXPECT_EQ(json::renderYaml(patch),
            json::renderYaml(json::parseYaml("{count: 3, lastTimestamp: '2023-11-14T22:13:20Z'}")));
}

}  // namespace
}  // namespace wherry::client

#include "apiserver/protobuf_body.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

using namespace std::string_literals;

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out += static_cast<char>((value & 127) | 128);
  return out + static_cast<char>(value);
}
std::string bytes(unsigned field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string number(unsigned field, uint64_t value) { return varint(field << 3) + varint(value); }

std::string body(const std::string& apiVersion, const std::string& kind, const std::string& message) {
  return "k8s\0"s + bytes(1, bytes(1, apiVersion) + bytes(2, kind)) + bytes(2, message);
}

void expectYaml(const std::string& encoded, const char* yaml) {
  auto decoded = decodeProtobufBody(encoded);
  ASSERT_TRUE(decoded) << yaml;
  EXPECT_TRUE(json::equal(*decoded, json::parseYaml(yaml))) << json::serialize(*decoded);
}

TEST(ProtobufBody, ReadsTextsMapsAndBytes) {
  auto metadata = bytes(1, "cm") + bytes(2, "") + bytes(8, "") + bytes(11, bytes(1, "a") + bytes(2, "b"));
  auto message =
      bytes(1, metadata) + bytes(2, bytes(1, "x") + bytes(2, "1")) + bytes(3, bytes(1, "y") + bytes(2, "abc"));
  expectYaml(body("v1", "ConfigMap", message), R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: cm, labels: {a: b}}
data: {x: "1"}
binaryData: {y: YWJj}
)");
}

TEST(ProtobufBody, KeepsAZeroThatMeansSomething) {
  expectYaml(body("apps/v1", "Deployment", bytes(2, number(1, 0) + number(5, 0))), R"(
apiVersion: apps/v1
kind: Deployment
spec: {replicas: 0}
)");
}

TEST(ProtobufBody, WritesInlinedMessagesIntoTheOneAround) {
  auto probe = bytes(1, bytes(2, bytes(1, "/healthz") + bytes(2, number(1, 0) + number(2, 80)))) + number(2, 5);
  auto container = bytes(1, "c") + bytes(10, probe);
  expectYaml(body("v1", "Pod", bytes(2, bytes(2, container))), R"(
apiVersion: v1
kind: Pod
spec: {containers: [{name: c, livenessProbe: {httpGet: {path: /healthz, port: 80}, initialDelaySeconds: 5}}]}
)");
}

TEST(ProtobufBody, ReadsQuantitiesAndTimes) {
  auto limits = bytes(1, bytes(1, "cpu") + bytes(2, bytes(1, "500m")));
  expectYaml(body("v1", "Pod", bytes(2, bytes(2, bytes(1, "c") + bytes(8, limits)))), R"(
apiVersion: v1
kind: Pod
spec: {containers: [{name: c, resources: {limits: {cpu: 500m}}}]}
)");
  expectYaml(body("coordination.k8s.io/v1", "Lease", bytes(2, bytes(4, number(1, 1700000000) + number(2, 5000)))), R"(
apiVersion: coordination.k8s.io/v1
kind: Lease
spec: {renewTime: "2023-11-14T22:13:20.000005Z"}
)");
}

TEST(ProtobufBody, RefusesWhatIsNone) {
  for (const auto& text :
       {""s, "{}"s, "k8s\0"s, body("v1", "Nothing", ""), body("v1", "Pod", "\x12\x7f"), "k8s\0\x0a\xff"s}) {
    EXPECT_FALSE(decodeProtobufBody(text)) << text.size();
  }
}

// A JSON body could not have said it either.
TEST(ProtobufBody, RefusesWhatJsonCannotSay) {
  auto metadata = [](const std::string& fields) { return body("v1", "ConfigMap", bytes(1, fields)); };
  EXPECT_TRUE(decodeProtobufBody(metadata(bytes(8, number(1, 1767323045)))));
  EXPECT_FALSE(decodeProtobufBody(metadata(bytes(8, number(1, uint64_t{1} << 62))))) << "a time in no calendar";
  EXPECT_FALSE(decodeProtobufBody(metadata(bytes(1, "\xff")))) << "a name that is no UTF-8";
  EXPECT_FALSE(decodeProtobufBody(metadata(bytes(11, bytes(1, "\xc3") + bytes(2, "b"))))) << "a key that is no UTF-8";
  EXPECT_FALSE(decodeProtobufBody(body("v1", "ConfigMap\xff", ""))) << "a kind that is no UTF-8";
}

}  // namespace
}  // namespace wherry::apiserver

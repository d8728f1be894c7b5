#include "schema/object_rules.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::schema {
namespace {

NodePtr schemaOf(const json::Value& object) {
  auto groupVersion = meta::GroupVersion::parse(json::getString(object, "apiVersion"));
  std::string kind(json::getString(object, "kind"));
  KindPtr found = builtinRegistry()->findKind({groupVersion.group, groupVersion.version, kind});
  EXPECT_TRUE(found) << kind;
  return found->schema;
}

struct WrongObject {
  const char* sentence;
  const char* yaml;
  const char* findings;  // one line for each
};

std::string lines(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += text + "\n";
  return out;
}

class Prune : public testing::TestWithParam<WrongObject> {};

TEST_P(Prune, NamesAndRemovesUnknownFields) {
  json::Value object = json::parseYaml(GetParam().yaml);
  EXPECT_EQ(lines(prune(*schemaOf(object), object)), GetParam().findings) << GetParam().sentence;
  EXPECT_TRUE(prune(*schemaOf(object), object).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Objects, Prune,
    testing::Values(
        WrongObject{"known fields stay", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: y}}", ""},
        WrongObject{"an unknown field at the top", "{apiVersion: v1, kind: ConfigMap, bogus: 1}", "bogus\n"},
        WrongObject{
            "unknown fields in a list",
            "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}, {nam: b}], volumes: [{emptyDir: {x: 1}}]}}",
            "spec.containers[1].nam\nspec.volumes[0].emptyDir.x\n"},
        WrongObject{"labels may have any key", "{apiVersion: v1, kind: Pod, metadata: {labels: {any: thing}}}", ""},
        WrongObject{"managed fields are free",
                    "{apiVersion: v1, kind: Pod, metadata: {managedFields: [{fieldsV1: {f:spec: {}}}]}}", ""}));

TEST(PruneOrder, KeepsTheOrderOfWhatStays) {
  json::Value object = json::parseYaml("{x: 1, kind: Pod, y: 2, apiVersion: v1, z: 3, metadata: {name: a}}");
  prune(*builtinRegistry()->findResource("", "v1", "pods")->schema, object);
  EXPECT_EQ(json::serialize(object), R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}})");
}

TEST(PruneLimit, SaysOnlySoMuchOfAnAbsurdObject) {
  json::Object object{{"apiVersion", "v1"}, {"kind", "Pod"}};
  for (int i = 0; i < 5000; ++i) object["unknown" + std::to_string(i)] = i;
  json::Value value(std::move(object));
  EXPECT_EQ(prune(*schemaOf(value), value).size(), 100U);
  EXPECT_EQ(value.get_object().size(), 2U);
}

class CheckTypes : public testing::TestWithParam<WrongObject> {};

TEST_P(CheckTypes, RefusesWhatTheDecoderRefuses) {
  json::Value object = json::parseYaml(GetParam().yaml);
  EXPECT_EQ(lines(checkTypes(*schemaOf(object), object)), GetParam().findings) << GetParam().sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Objects, CheckTypes,
    testing::Values(
        WrongObject{"text for a number", "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: two}}",
                    "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32\n"},
        WrongObject{
            "text for a list", "{apiVersion: v1, kind: Pod, spec: {containers: x}}",
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container\n"},
        WrongObject{"a number for text", "{apiVersion: v1, kind: ConfigMap, data: {a: 1}}",
                    "json: cannot unmarshal number 1 into Go struct field ConfigMap.data of type string\n"},
        WrongObject{
            "a broken number for a whole one", "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1.5}}",
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32\n"},
        WrongObject{
            "a number too large", "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 3000000000}}",
            "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type "
            "int32\n"},
        WrongObject{"a quantity that is none",
                    "{apiVersion: v1, kind: Pod, spec: {containers: [{resources: {limits: {cpu: lots}}}]}}",
                    "quantities must match the regular expression "
                    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'\n"},
        WrongObject{"bytes that are none", "{apiVersion: v1, kind: Secret, data: {a: '!'}}",
                    "illegal base64 data at input byte 0\n"},
        WrongObject{"a time that is none", "{apiVersion: v1, kind: Pod, metadata: {creationTimestamp: noon}}",
                    "parsing time \"noon\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"noon\" as \"2006\"\n"},
        WrongObject{"null is right for every type",
                    "{apiVersion: v1, kind: Pod, metadata: {creationTimestamp: null}, spec: null}", ""}));

struct Change {
  const char* sentence;
  const char* in;
  const char* out;
};

void expectYaml(const json::Value& actual, const char* expected, const char* sentence) {
  json::Value wanted = json::parseYaml(expected);
  EXPECT_TRUE(json::equal(actual, wanted)) << sentence << "\ngot:\n"
                                           << json::renderYaml(actual) << "wanted:\n"
                                           << json::renderYaml(wanted);
}

TEST(CanonicalForm, GivesEverySpellingTheStoredOne) {
  json::Value pod = json::parseYaml(R"(
apiVersion: v1
kind: Pod
metadata: {deletionTimestamp: "2026-01-02T05:04:05+02:00", deletionGracePeriodSeconds: 30.0}
spec: {containers: [{resources: {limits: {cpu: 0.5, memory: 1024Mi}, requests: {cpu: 2}}}]}
)");
  EXPECT_TRUE(checkTypes(*schemaOf(pod), pod).empty());
  expectYaml(pod, R"(
apiVersion: v1
kind: Pod
metadata: {deletionTimestamp: "2026-01-02T03:04:05Z", deletionGracePeriodSeconds: 30}
spec: {containers: [{resources: {limits: {cpu: 500m, memory: 1Gi}, requests: {cpu: "2"}}}]}
)",
             "canonical");
}

class Validate : public testing::TestWithParam<WrongObject> {};

TEST_P(Validate, NamesEveryMistake) {
  json::Value object = json::parseYaml(GetParam().yaml);
  applyDefaults(*schemaOf(object), object);
  std::vector<std::string> findings;
  for (const meta::FieldError& error : validate(*schemaOf(object), object)) {
    findings.push_back(error.field + ": " + error.message());
  }
  EXPECT_EQ(lines(findings), GetParam().findings) << GetParam().sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Objects, Validate,
    testing::Values(
        WrongObject{"a right one", "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: b}]}}", ""},
        WrongObject{"a pod without containers", "{apiVersion: v1, kind: Pod, spec: {containers: []}}",
                    "spec.containers: Required value\n"},
        WrongObject{"containers without what they need",
                    "{apiVersion: v1, kind: Pod, spec: {containers: [{name: ''}]}}",
                    "spec.containers[0].name: Required value\nspec.containers[0].image: Required value\n"},
        WrongObject{
            "ports out of range",
            "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: b, ports: [{containerPort: 70000}, "
            "{containerPort: 0}]}]}}",
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be less than or equal to 65535\n"
            "spec.containers[0].ports[1].containerPort: Required value\n"},
        WrongObject{"an unknown policy",
                    "{apiVersion: v1, kind: Pod, spec: {restartPolicy: Maybe, containers: [{name: a, image: b}]}}",
                    "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"Never\", "
                    "\"OnFailure\"\n"},
        WrongObject{"fewer than none",
                    "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: -1, selector: {}, template: {spec: "
                    "{containers: [{name: a, image: b}]}}}}",
                    "spec.replicas: Invalid value: -1: must be greater than or equal to 0\n"},
        WrongObject{
            "a role's rule without verbs",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{apiGroups: [''], resources: [pods]}]}",
            "rules[0].verbs: Required value\n"}));

TEST(ValidateUpdate, RefusesToChangeWhatIsImmutable) {
  json::Value before = json::parseYaml(R"(
{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: a, image: b}]}}}}
)");
  json::Value after = before;
  EXPECT_TRUE(validate(*schemaOf(before), after, &before).empty());
  after.at("spec").at("selector").at("matchLabels").get_object()["a"] = "c";
  meta::FieldErrors errors = validate(*schemaOf(before), after, &before);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].field, "spec.selector");
  EXPECT_EQ(errors[0].detail, "field is immutable");
}

}  // namespace
}  // namespace wherry::schema

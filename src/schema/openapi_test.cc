#include "schema/openapi.h"

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "schema/protobuf_writer.h"

namespace wherry::schema {
namespace {

RegistryPtr withBoats() {
  return withCustomKinds(builtinRegistry(), {json::parseYaml(R"(
spec:
  group: sea.example.com
  names: {plural: boats, kind: Boat}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            properties:
              sails: {type: integer, minimum: 1, default: 2}
              crew: {type: array, items: {type: string, maxLength: 9}, x-kubernetes-list-type: set}
              port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
              cargo: {type: object, x-kubernetes-preserve-unknown-fields: true}
)")});
}

// One value of a document, by its keys (paths have dots in them).
std::string at(const json::Value& document, std::initializer_list<std::string_view> keys) {
  const json::Value* value = &document;
  for (std::string_view key : keys) {
    value = value->is_object() ? value->get_object().if_contains(key) : nullptr;
    if (value == nullptr) return "missing";
  }
  return json::serialize(*value);
}

std::vector<std::string> parameterNames(const json::Value& document, std::string_view path, std::string_view method) {
  std::vector<std::string> names;
  const json::Value& operation = document.at("paths").at(path).at(method);
  for (const json::Value& parameter : operation.at("parameters").as_array()) {
    names.emplace_back(json::getString(parameter, "name"));
  }
  return names;
}

constexpr std::string_view kDeployment = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";

TEST(OpenApiV3Test, patchesSayWhatClientsLookFor) {
  json::Value document = openApiV3(*builtinRegistry(), {"apps", "v1"});
  EXPECT_EQ(at(document, {"paths", kDeployment, "patch", "x-kubernetes-group-version-kind"}),
            R"({"group":"apps","kind":"Deployment","version":"v1"})");
  EXPECT_EQ(at(document, {"paths", kDeployment, "patch", "x-kubernetes-action"}), R"("patch")");
  EXPECT_EQ(parameterNames(document, kDeployment, "patch"),
            (std::vector<std::string>{"dryRun", "fieldManager", "fieldValidation", "force"}));
}

TEST(OpenApiV3Test, describesStructsAndRefersToThem) {
  json::Value document = openApiV3(*builtinRegistry(), {"apps", "v1"});
  auto schema = [&](std::string_view name, std::initializer_list<std::string_view> keys) {
    return at(document.at("components").at("schemas").at(name), keys);
  };
  EXPECT_EQ(schema("io.k8s.api.apps.v1.Deployment", {"x-kubernetes-group-version-kind"}),
            R"([{"group":"apps","kind":"Deployment","version":"v1"}])");
  EXPECT_EQ(schema("io.k8s.api.apps.v1.Deployment", {"properties", "spec", "allOf"}),
            R"([{"$ref":"#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"}])");
  EXPECT_EQ(schema("io.k8s.api.apps.v1.DeploymentSpec", {"properties", "strategy", "x-kubernetes-patch-strategy"}),
            R"("retainKeys")");
  EXPECT_EQ(schema("io.k8s.api.core.v1.PodSpec", {"properties", "containers", "x-kubernetes-patch-merge-key"}),
            R"("name")");
  EXPECT_EQ(schema("io.k8s.api.core.v1.PodSpec", {"properties", "containers", "items"}),
            R"({"$ref":"#/components/schemas/io.k8s.api.core.v1.Container"})");
  EXPECT_EQ(schema("io.k8s.api.apps.v1.DeploymentList", {"properties", "items", "items"}),
            R"({"$ref":"#/components/schemas/io.k8s.api.apps.v1.Deployment"})");
  EXPECT_EQ(
      schema("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", {"x-kubernetes-group-version-kind"}),
      R"([{"group":"","kind":"DeleteOptions","version":"v1"},{"group":"apps","kind":"DeleteOptions","version":"v1"}])");
  EXPECT_EQ(schema("io.k8s.apimachinery.pkg.api.resource.Quantity", {"oneOf"}),
            R"([{"type":"string"},{"type":"number"}])");
  EXPECT_EQ(schema("io.k8s.api.autoscaling.v1.Scale", {"x-kubernetes-group-version-kind"}),
            R"([{"group":"autoscaling","kind":"Scale","version":"v1"}])");
}

// Every $ref of a document, wherever it stands.
void collectReferences(const json::Value& value, std::vector<std::string>& found) {
  if (const json::Object* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key() == "$ref" && member.value().is_string()) found.emplace_back(member.value().get_string());
      collectReferences(member.value(), found);
    }
  } else if (const json::Array* array = value.if_array()) {
    for (const json::Value& element : *array) collectReferences(element, found);
  }
}

TEST(OpenApiV3Test, noReferenceLeadsNowhere) {
  for (const meta::GroupVersion& groupVersion : {meta::GroupVersion{"", "v1"}, {"apiextensions.k8s.io", "v1"}}) {
    json::Value document = openApiV3(*builtinRegistry(), groupVersion);
    std::vector<std::string> references;
    collectReferences(document, references);
    EXPECT_GT(references.size(), 50u);
    for (const std::string& reference : references) {
      std::string name = reference.substr(std::string("#/components/schemas/").size());
      EXPECT_NE(at(document, {"components", "schemas", name}), "missing") << name;
    }
  }
}

TEST(OpenApiV3Test, aCustomKindHasItsSchemaAndNoStrategicPatch) {
  json::Value document = openApiV3(*withBoats(), {"sea.example.com", "v1"});
  const json::Value& boat = document.at("components").at("schemas").at("com.example.sea.v1.Boat");
  EXPECT_EQ(at(boat, {"x-kubernetes-group-version-kind"}),
            R"([{"group":"sea.example.com","kind":"Boat","version":"v1"}])");
  EXPECT_EQ(at(boat, {"properties", "spec", "properties", "sails"}), R"({"type":"integer","default":2,"minimum":1})");
  EXPECT_EQ(at(boat, {"properties", "spec", "properties", "crew", "x-kubernetes-list-type"}), R"("set")");
  EXPECT_EQ(at(boat, {"properties", "spec", "properties", "port", "x-kubernetes-int-or-string"}), "true");
  const json::Value& patch =
      document.at("paths").at("/apis/sea.example.com/v1/namespaces/{namespace}/boats/{name}").at("patch");
  EXPECT_EQ(at(patch, {"operationId"}), R"("patchSeaExampleComV1NamespacedBoat")");
  EXPECT_EQ(at(patch, {"requestBody", "content", "application/strategic-merge-patch+json"}), "missing");
}

TEST(OpenApiV3Test, theIndexChangesWithTheKinds) {
  json::Value before = openApiV3Index(*builtinRegistry());
  json::Value after = openApiV3Index(*withBoats());
  EXPECT_TRUE(at(before, {"paths", "api/v1", "serverRelativeURL"}).starts_with("\"/openapi/v3/api/v1?hash="));
  EXPECT_EQ(at(before, {"paths", "apis/apps/v1"}), at(after, {"paths", "apis/apps/v1"}));
  EXPECT_EQ(at(before, {"paths", "apis/sea.example.com/v1"}), "missing");
  EXPECT_NE(at(after, {"paths", "apis/sea.example.com/v1"}), "missing");
  EXPECT_TRUE(openApiV3(*builtinRegistry(), {"apps", "v9"}).is_null());
}

TEST(OpenApiV2Test, hasWhatOldClientsValidateWith) {
  json::Value document = openApiV2(*withBoats());
  auto definition = [&](std::string_view name, std::initializer_list<std::string_view> keys) {
    return at(document.at("definitions").at(name), keys);
  };
  EXPECT_EQ(definition("io.k8s.api.core.v1.Pod", {"properties", "spec", "$ref"}),
            R"("#/definitions/io.k8s.api.core.v1.PodSpec")");
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.util.intstr.IntOrString", {"type"}), R"("string")");
  EXPECT_EQ(definition("io.k8s.api.core.v1.PodSpec", {"properties", "volumes", "x-kubernetes-patch-strategy"}),
            R"("merge,retainKeys")");
  // Version 2 can't say "any fields", so it says nothing.
  EXPECT_EQ(definition("com.example.sea.v1.Boat", {"properties", "spec", "properties", "cargo", "type"}), "missing");
  EXPECT_EQ(parameterNames(document, kDeployment, "patch"),
            (std::vector<std::string>{"body", "dryRun", "fieldManager", "fieldValidation", "force"}));
}

TEST(OpenApiV2Test, encodesAsProtobuf) {
  json::Value document = json::parse(R"({"swagger":"2.0","info":{"title":"T","version":"1"},
      "definitions":{"D":{"type":"object","x-y":[1]}}})");
  const std::string expected =
      "\x0a\x03"
      "2.0"                                          // swagger
      "\x12\x06\x0a\x01T\x12\x01"                    // info: title
      "1"                                            // its version
      "\x4a\x21\x0a\x1f\x0a\x01"                     // definitions: one, its name
      "D\x12\x1a\xb2\x01\x08\x0a\x06object"          // its type
      "\xfa\x01\x0c\x0a\x03x-y\x12\x05\x12\x03[1]";  // its extension, as YAML
  EXPECT_EQ(openApiV2Protobuf(document), expected);
}

TEST(ProtobufWriterTest, writesTheWireFormat) {
  ProtobufWriter writer;
  writer.integer(1, 300);
  writer.integer(2, -1);
  writer.boolean(3, true);
  writer.number(4, 1.0);
  writer.text(16, "ab");
  EXPECT_EQ(
      writer.take(),
      std::string("\x08\xac\x02\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x18\x01\x21\0\0\0\0\0\0\xf0\x3f\x82\x01\x02"
                  "ab",
                  30));
}

}  // namespace
}  // namespace wherry::schema

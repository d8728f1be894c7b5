#include <gtest/gtest.h>

#include "json/yaml.h"
#include "schema/kind.h"
#include "schema/object_rules.h"

namespace wherry::schema {
namespace {

constexpr std::string_view kBoats = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bo], categories: [all]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.crew, statusReplicasPath: .status.crew}
    additionalPrinterColumns: [{name: Length, type: integer, jsonPath: .spec.length, priority: 1}]
    selectableFields: [{jsonPath: .spec.colour}]
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [length]
            properties:
              length: {type: integer, minimum: 1, maximum: 100}
              crew: {type: integer, default: 2}
              colour: {type: string, enum: [red, green], default: red}
              port: {x-kubernetes-int-or-string: true}
              harbour: {type: string, nullable: true, maxLength: 5, pattern: '^[a-z]+$'}
              ropes: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              cargo: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
              size: {oneOf: [{required: [small]}, {required: [large]}], type: object,
                     properties: {small: {type: boolean}, large: {type: boolean}}}
          status: {type: object, properties: {crew: {type: integer}}}
  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
  - {name: v1beta1, served: true, deprecated: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
  - {name: v0, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
)";

RegistryPtr withBoats() { return withCustomKinds(builtinRegistry(), {json::parseYaml(kBoats)}); }
KindPtr boatKind() { return withBoats()->findResource("example.com", "v1", "boats"); }

TEST(CustomKinds, ServeEveryServedVersionTheBestFirst) {
  RegistryPtr registry = withBoats();
  std::string versions;
  for (const KindPtr& kind : registry->kinds()) {
    if (kind->resource.group == "example.com") versions += kind->resource.version + " ";
  }
  EXPECT_EQ(versions, "v2 v1 v1beta1 ");
  EXPECT_FALSE(registry->findResource("example.com", "v0", "boats"));
  EXPECT_TRUE(registry->findResource("", "v1", "pods"));
}

TEST(CustomKinds, DescribeThemselvesAsBuiltinOnesDo) {
  KindPtr boat = boatKind();
  ASSERT_TRUE(boat);
  EXPECT_EQ(boat->listKind, "BoatList");
  EXPECT_EQ(boat->storageVersion, "v1");
  EXPECT_EQ(boat->findSubresource("scale")->kind.kind, "Scale");
  EXPECT_EQ(boat->findSubresource("scale")->specReplicasPath, ".spec.crew");
  EXPECT_EQ(boat->findSubresource("status")->kind.kind, "Boat");
  ASSERT_EQ(boat->columns.size(), 2U);
  EXPECT_EQ(boat->columns[1].name, "Length");
  EXPECT_EQ(boat->columns[1].priority, 1);
  EXPECT_EQ(boat->selectableFields, std::vector<std::string>{"spec.colour"});
  EXPECT_EQ(withBoats()->findResource("example.com", "v2", "boats")->columns[1].name, "Age");
  EXPECT_EQ(withBoats()->findResource("example.com", "v1beta1", "boats")->deprecationWarning,
            "example.com/v1beta1 Boat is deprecated");
  EXPECT_EQ(boat->schema->definition, "com.example.v1.Boat");
}

TEST(CustomKinds, PruneAndDefault) {
  json::Value boat = json::parseYaml(R"(
apiVersion: example.com/v1
kind: Boat
metadata: {name: a, bogus: 1}
spec:
  length: 7.0
  colour: null
  harbour: null
  sail: white
  free: {any: thing}
  cargo: {apiVersion: v1, kind: Pod, metadata: {name: b, bogus: 1}, spec: {}}
)");
  KindPtr kind = boatKind();
  const Node& schema = *kind->schema;
  EXPECT_TRUE(checkTypes(schema, boat).empty());
  EXPECT_EQ(prune(schema, boat),
            (std::vector<std::string>{"metadata.bogus", "spec.sail", "spec.cargo.metadata.bogus"}));
  applyDefaults(schema, boat);
  json::Value wanted = json::parseYaml(R"(
apiVersion: example.com/v1
kind: Boat
metadata: {name: a}
spec:
  length: 7
  crew: 2
  colour: red
  harbour: null
  free: {any: thing}
  cargo: {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {}}
)");
  EXPECT_TRUE(json::equal(boat, wanted)) << json::renderYaml(boat);
  EXPECT_TRUE(validate(schema, boat).empty());
}

struct WrongBoat {
  const char* sentence;
  const char* spec;
  const char* error;
};

class CustomKindsRefuse : public testing::TestWithParam<WrongBoat> {};

TEST_P(CustomKindsRefuse, AWrongObject) {
  json::Value boat = json::parseYaml("{apiVersion: example.com/v1, kind: Boat, metadata: {name: a}}");
  boat.get_object()["spec"] = json::parseYaml(GetParam().spec);
  std::string errors;
  for (const meta::FieldError& error : validate(*boatKind()->schema, boat)) {
    errors += std::string(error.reason()) + " " + error.field + ": " + error.message() + "\n";
  }
  EXPECT_EQ(errors, std::string(GetParam().error) + "\n") << GetParam().sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Boats, CustomKindsRefuse,
    testing::Values(
        WrongBoat{"a field that is missing", "{crew: 1}", "FieldValueRequired spec.length: Required value"},
        WrongBoat{
            "a text for a number", "{length: long}",
            "FieldValueTypeInvalid spec.length: Invalid value: \"long\": spec.length in body must be of type integer: "
            "\"long\""},
        WrongBoat{
            "a number out of range", "{length: 0}",
            "FieldValueInvalid spec.length: Invalid value: 0: spec.length in body should be greater than or equal to "
            "1"},
        WrongBoat{
            "a value that is not in the list", "{length: 1, colour: blue}",
            "FieldValueNotSupported spec.colour: Unsupported value: \"blue\": supported values: \"red\", \"green\""},
        WrongBoat{"a text that is too long", "{length: 1, harbour: abcdef}",
                  "FieldValueTooLong spec.harbour: Too long: may not be more than 5 bytes"},
        WrongBoat{"a text that does not match", "{length: 1, harbour: A}",
                  "FieldValueInvalid spec.harbour: Invalid value: \"A\": spec.harbour in body should match '^[a-z]+$'"},
        WrongBoat{"the same twice in a set", "{length: 1, ropes: [a, b, a]}",
                  "FieldValueDuplicate spec.ropes[2]: Duplicate value: \"a\""},
        WrongBoat{
            "neither of two", "{length: 1, size: {}}",
            "FieldValueInvalid spec.size: Invalid value: {}: spec.size in body must validate one and only one schema "
            "(oneOf)"}));

TEST(CustomKinds, HoldNothingAgainstAnUpdateThatItLeftAsItWas) {
  json::Value before = json::parseYaml("{apiVersion: example.com/v1, kind: Boat, spec: {length: 500, crew: 1}}");
  json::Value after = json::parseYaml("{apiVersion: example.com/v1, kind: Boat, spec: {length: 500, crew: 2}}");
  EXPECT_EQ(validate(*boatKind()->schema, after).size(), 1U);
  EXPECT_TRUE(validate(*boatKind()->schema, after, &before).empty());
}

TEST(CustomKinds, CannotTakeTheNameOfABuiltinOne) {
  json::Value crd = json::parseYaml(kBoats);
  crd.at("spec").get_object()["group"] = "apps";
  crd.at("spec").at("names").get_object()["plural"] = "deployments";
  RegistryPtr registry = withCustomKinds(builtinRegistry(), {crd});
  EXPECT_FALSE(registry->findResource("apps", "v1", "deployments")->custom);
}

TEST(CustomKinds, AreLeftOutWhenTheirSchemaIsNestedTooDeeply) {
  json::Value schema = json::parseYaml("{type: object}");
  for (int i = 0; i < 1000; ++i) {
    json::Value outer = json::parseYaml("{type: object, properties: {}}");
    outer.at("properties").get_object()["a"] = std::move(schema);
    schema = std::move(outer);
  }
  json::Value crd = json::parseYaml(kBoats);
  crd.at("spec").at("versions").at(0).at("schema").get_object()["openAPIV3Schema"] = std::move(schema);
  EXPECT_FALSE(withCustomKinds(builtinRegistry(), {crd})->findResource("example.com", "v1", "boats"));
}

}  // namespace
}  // namespace wherry::schema

#include "schema/loader.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::schema {
namespace {

constexpr std::string_view kGroups = "{groups: [{group: '', versions: [{version: v1, package: io.example.core.v1}]}]}";
constexpr std::string_view kMeta = R"(
definitions:
  ObjectMeta: {type: object, properties: {name: {type: string}}}
)";
constexpr std::string_view kBoat = R"(
group: ""
version: v1
names: {plural: boats, singular: boat, kind: Boat, listKind: BoatList, shortNames: [bo]}
scope: Namespaced
verbs: [create, get, list]
subresources: [{name: status, verbs: [get]}]
columns: [{name: Name, type: string, jsonPath: .metadata.name}]
schema:
  type: object
  properties:
    spec: {$ref: BoatSpec, default: {}}
definitions:
  BoatSpec:
    type: object
    required: [length]
    properties:
      length: {type: integer, minimum: 1}
      crew: {type: array, items: {$ref: Sailor}, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name]}
  Sailor:
    type: object
    properties:
      name: {type: string}
      teacher: {$ref: Sailor}
)";

RegistryPtr loadBoat(std::string_view boat) {
  return loadKinds({{"groups.yaml", json::parseYaml(kGroups)},
                    {"meta/v1/definitions.yaml", json::parseYaml(kMeta)},
                    {"core/v1/boat.yaml", json::parseYaml(boat)}});
}

TEST(Loader, ReadsAKind) {
  RegistryPtr registry = loadBoat(kBoat);
  KindPtr boat = registry->findResource("", "v1", "boats");
  ASSERT_TRUE(boat);
  EXPECT_EQ(boat, registry->findKind({"", "v1", "Boat"}));
  EXPECT_EQ(registry->kinds().size(), 1U);
  EXPECT_EQ(boat->shortNames, std::vector<std::string>{"bo"});
  EXPECT_EQ(boat->storageVersion, "v1");
  EXPECT_EQ(boat->nameRule, "dns1123subdomain");
  EXPECT_TRUE(boat->hasVerb("list"));
  EXPECT_FALSE(boat->hasVerb("watch"));
  EXPECT_EQ(boat->schema->definition, "io.example.core.v1.Boat");
  EXPECT_EQ(boat->schema->propertyOrder, (std::vector<std::string>{"apiVersion", "kind", "metadata", "spec"}));
  const Node* spec = boat->schema->property("spec");
  EXPECT_EQ(spec->definition, "io.example.core.v1.BoatSpec");
  EXPECT_TRUE(spec->defaultValue);
  EXPECT_EQ(spec->property("length")->minimum, 1);
  EXPECT_EQ(spec->property("crew")->listMapKeys, std::vector<std::string>{"name"});
}

TEST(Loader, LetsAStructContainItself) {
  NodePtr sailor = loadBoat(kBoat)->findDefinition("io.example.core.v1.Sailor");
  ASSERT_TRUE(sailor);
  EXPECT_EQ(sailor->property("teacher"), sailor.get());
}

TEST(Loader, AddsRulesToAReferenceInItsPlaceOnly) {
  std::string boat(kBoat);
  boat.replace(boat.find("{$ref: BoatSpec, default: {}}"), 29, "{$ref: BoatSpec, properties: {length: {default: 7}}}");
  RegistryPtr registry = loadBoat(boat);
  KindPtr boatKind = registry->findResource("", "v1", "boats");
  const Node* length = boatKind->schema->property("spec")->property("length");
  EXPECT_EQ(length->defaultValue, json::Value(7));
  EXPECT_EQ(length->minimum, 1);
  EXPECT_FALSE(registry->findDefinition("io.example.core.v1.BoatSpec")->property("length")->defaultValue);
}

struct WrongFile {
  const char* sentence;
  const char* from;  // replaced in kBoat...
  const char* to;    // ...by this
  const char* error;
};

class LoaderRefuses : public testing::TestWithParam<WrongFile> {};

TEST_P(LoaderRefuses, AWrongFile) {
  std::string boat(kBoat);
  size_t at = boat.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  boat.replace(at, std::string_view(GetParam().from).size(), GetParam().to);
  try {
    loadBoat(boat);
    FAIL() << GetParam().sentence;
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), (std::string("api/core/v1/boat.yaml: ") + GetParam().error).c_str())
        << GetParam().sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, LoaderRefuses,
    testing::Values(
        WrongFile{"a misspelled key of a kind", "scope:", "skope:", "kind.skope: unknown key"},
        WrongFile{"a misspelled key of a column", "jsonPath:", "path:", "columns.path: unknown key"},
        WrongFile{"a misspelled key of a schema", "minimum: 1", "minimun: 1",
                  "core/v1/BoatSpec.properties.length.minimun: unknown key"},
        WrongFile{"a required field that does not exist", "[length]", "[lenght]",
                  "core/v1/BoatSpec.required: no property 'lenght'"},
        WrongFile{"a reference to nothing", "{$ref: Sailor}, x", "{$ref: Pilot}, x",
                  "core/v1/BoatSpec.properties.crew.items.$ref: no definition 'core/v1/Pilot'"},
        WrongFile{"a pattern that is none", "minimum: 1", "pattern: '['",
                  "core/v1/BoatSpec.properties.length.pattern: not a regular expression"},
        WrongFile{"an unknown type", "type: integer", "type: int",
                  "core/v1/BoatSpec.properties.length.type: unknown type 'int'"},
        WrongFile{"an unknown scope", "Namespaced", "Global", "scope: unknown scope 'Global'"},
        WrongFile{"a kind in the file of another", "kind: Boat,", "kind: Ship,", "is named after another kind"},
        WrongFile{"a kind in the folder of another version", "version: v1", "version: v2", "stands elsewhere"},
        WrongFile{"a column that says nothing", ", jsonPath: .metadata.name", "",
                  "columns.Name: needs either jsonPath or hook"},
        WrongFile{"a struct that contains a changed copy of itself", "teacher: {$ref: Sailor}",
                  "teacher: {$ref: Sailor, nullable: true}",
                  "core/v1/Sailor: contains itself, which only a plain $ref may"}));

}  // namespace
}  // namespace wherry::schema

#include "schema/node_reader.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/strings.h"
#include "schema/patterns.h"

namespace wherry::schema {
namespace {

constexpr std::array<std::pair<std::string_view, Type>, 6> kTypes = {{{"string", Type::kString},
                                                                      {"integer", Type::kInteger},
                                                                      {"number", Type::kNumber},
                                                                      {"boolean", Type::kBoolean},
                                                                      {"object", Type::kObject},
                                                                      {"array", Type::kArray}}};

constexpr int kMaxDepth = 200;  // of a schema in a schema

[[noreturn]] void fail(std::string_view key, std::string_view why) {
  throw SchemaError(std::string(key) + ": " + std::string(why));
}

std::string text(std::string_view key, const json::Value& value) {
  if (!value.is_string()) fail(key, "must be a text");
  return std::string(value.get_string());
}

bool boolean(std::string_view key, const json::Value& value) {
  if (!value.is_bool()) fail(key, "must be true or false");
  return value.get_bool();
}

double number(std::string_view key, const json::Value& value) {
  if (!value.is_number()) fail(key, "must be a number");
  return value.to_number<double>();
}

int64_t count(std::string_view key, const json::Value& value) {
  if (!value.is_number()) fail(key, "must be a number");
  boost::system::error_code error;
  auto result = value.to_number<int64_t>(error);
  if (error) fail(key, "must be a whole number");
  return result;
}

const json::Array& list(std::string_view key, const json::Value& value) {
  if (!value.is_array()) fail(key, "must be a list");
  return value.get_array();
}

const json::Object& object(std::string_view key, const json::Value& value) {
  if (!value.is_object()) fail(key, "must be an object");
  return value.get_object();
}

std::vector<std::string> texts(std::string_view key, const json::Value& value) {
  std::vector<std::string> result;
  for (const json::Value& item : list(key, value)) result.push_back(text(key, item));
  return result;
}

Type typeNamed(std::string_view key, const json::Value& value) {
  auto found = std::ranges::find(kTypes, text(key, value), &std::pair<std::string_view, Type>::first);
  if (found == kTypes.end()) fail(key, "unknown type '" + text(key, value) + "'");
  return found->second;
}

ListType listTypeNamed(std::string_view key, const json::Value& value) {
  std::string name = text(key, value);
  if (name == "atomic") return ListType::kAtomic;
  if (name == "set") return ListType::kSet;
  if (name == "map") return ListType::kMap;
  fail(key, "unknown list type '" + name + "'");
}

std::vector<std::string> patchStrategiesOf(std::string_view key, const json::Value& value) {
  std::vector<std::string> result;
  const std::string names = text(key, value);
  for (std::string_view strategy : base::split(names, ',')) {
    if (strategy != "merge" && strategy != "replace" && strategy != "retainKeys") fail(key, "unknown strategy");
    result.emplace_back(strategy);
  }
  return result;
}

// The keys whose value does not contain schemas.
using ReadScalar = void (*)(Node&, std::string_view, const json::Value&);
struct ScalarKey {
  std::string_view name;
  ReadScalar read;
};

constexpr ScalarKey kScalarKeys[] = {
    {"type", [](Node& n, std::string_view k, const json::Value& v) { n.type = typeNamed(k, v); }},
    {"format", [](Node& n, std::string_view k, const json::Value& v) { n.format = text(k, v); }},
    {"description", [](Node& n, std::string_view k, const json::Value& v) { n.description = text(k, v); }},
    {"required", [](Node& n, std::string_view k, const json::Value& v) { n.required = texts(k, v); }},
    {"default", [](Node& n, std::string_view, const json::Value& v) { n.defaultValue = v; }},
    {"enum", [](Node& n, std::string_view k,
                const json::Value& v) { n.enumValues.assign(list(k, v).begin(), list(k, v).end()); }},
    {"pattern", [](Node& n, std::string_view k, const json::Value& v) { n.pattern = text(k, v); }},
    {"minimum", [](Node& n, std::string_view k, const json::Value& v) { n.minimum = number(k, v); }},
    {"maximum", [](Node& n, std::string_view k, const json::Value& v) { n.maximum = number(k, v); }},
    {"exclusiveMinimum", [](Node& n, std::string_view k, const json::Value& v) { n.exclusiveMinimum = boolean(k, v); }},
    {"exclusiveMaximum", [](Node& n, std::string_view k, const json::Value& v) { n.exclusiveMaximum = boolean(k, v); }},
    {"multipleOf", [](Node& n, std::string_view k, const json::Value& v) { n.multipleOf = number(k, v); }},
    {"minLength", [](Node& n, std::string_view k, const json::Value& v) { n.minLength = count(k, v); }},
    {"maxLength", [](Node& n, std::string_view k, const json::Value& v) { n.maxLength = count(k, v); }},
    {"minItems", [](Node& n, std::string_view k, const json::Value& v) { n.minItems = count(k, v); }},
    {"maxItems", [](Node& n, std::string_view k, const json::Value& v) { n.maxItems = count(k, v); }},
    {"minProperties", [](Node& n, std::string_view k, const json::Value& v) { n.minProperties = count(k, v); }},
    {"maxProperties", [](Node& n, std::string_view k, const json::Value& v) { n.maxProperties = count(k, v); }},
    {"uniqueItems", [](Node& n, std::string_view k, const json::Value& v) { n.uniqueItems = boolean(k, v); }},
    {"nullable", [](Node& n, std::string_view k, const json::Value& v) { n.nullable = boolean(k, v); }},
    {"x-kubernetes-preserve-unknown-fields",
     [](Node& n, std::string_view k, const json::Value& v) { n.preserveUnknownFields = boolean(k, v); }},
    {"x-kubernetes-embedded-resource",
     [](Node& n, std::string_view k, const json::Value& v) { n.embeddedResource = boolean(k, v); }},
    {"x-kubernetes-int-or-string",
     [](Node& n, std::string_view k, const json::Value& v) {
       if (boolean(k, v)) n.type = Type::kIntOrString;
     }},
    {"x-kubernetes-list-type",
     [](Node& n, std::string_view k, const json::Value& v) { n.listType = listTypeNamed(k, v); }},
    {"x-kubernetes-list-map-keys",
     [](Node& n, std::string_view k, const json::Value& v) { n.listMapKeys = texts(k, v); }},
    {"x-kubernetes-map-type",
     [](Node& n, std::string_view k, const json::Value& v) { n.atomicMap = text(k, v) == "atomic"; }},
    {"x-kubernetes-validations", [](Node& n, std::string_view k, const json::Value& v) { n.validations = list(k, v); }},
};

// What api/ may say beyond a CustomResourceDefinition.
constexpr ScalarKey kBuiltinKeys[] = {
    {"x-kubernetes-patch-strategy",
     [](Node& n, std::string_view k, const json::Value& v) { n.patchStrategies = patchStrategiesOf(k, v); }},
    {"x-kubernetes-patch-merge-key",
     [](Node& n, std::string_view k, const json::Value& v) { n.patchMergeKey = text(k, v); }},
    {"immutable", [](Node& n, std::string_view k, const json::Value& v) { n.immutable = boolean(k, v); }},
    {"zeroIsUnset", [](Node& n, std::string_view k, const json::Value& v) { n.zeroIsUnset = boolean(k, v); }},
};

template <size_t N>
bool readScalar(const ScalarKey (&keys)[N], Node& node, std::string_view key, const json::Value& value) {
  auto found = std::ranges::find(keys, key, &ScalarKey::name);
  if (found == std::end(keys)) return false;
  found->read(node, key, value);
  return true;
}

// Runs `read`, and puts `place` in front of the place that its error names.
template <typename Read>
auto within(std::string_view place, Read read) {
  try {
    return read();
  } catch (const SchemaError& error) {
    throw SchemaError(std::string(place) + "." + error.what());
  }
}

void checkConsistent(const Node& node) {
  if (!node.pattern.empty() && !isPattern(node.pattern)) fail("pattern", "not a regular expression");
  for (const std::string& name : node.required) {
    if (!node.property(name)) fail("required", "no property '" + name + "'");
  }
  if (node.type == Type::kArray && !node.items) fail("items", "missing");
  if (node.type != Type::kArray && node.listType != ListType::kAtomic) fail("x-kubernetes-list-type", "not a list");
}

}  // namespace

struct NodeReader::State {
  Vocabulary vocabulary;
  ResolveReference resolve;
  std::unordered_map<std::string, NodePtr> known{};  // schema as text -> its Node
  int depth = 0;

  NodePtr read(const json::Value& schema);
  NodePtr readOne(const json::Value& schema);
  NodePtr readFresh(const json::Object& fields);
  NodePtr readReference(const json::Value& schema);
  void readInto(Node& node, const json::Object& schema);
  bool readNested(Node& node, std::string_view key, const json::Value& value);
  void readProperties(Node& node, const json::Object& properties);
  NodePtr readOver(const Node& before, const json::Value& schema);
  std::vector<NodePtr> readAll(std::string_view key, const json::Value& schemas);
  void addObjectFields(Node& node);
};

NodePtr NodeReader::State::read(const json::Value& schema) {
  if (depth > kMaxDepth) fail("schema", "nested too deeply");
  ++depth;
  NodePtr node = readOne(schema);
  --depth;
  return node;
}

NodePtr NodeReader::State::readOne(const json::Value& schema) {
  const json::Object& fields = object("schema", schema);
  if (vocabulary != Vocabulary::kCustom && fields.if_contains("$ref")) return readReference(schema);
  if (fields.if_contains("properties")) return readFresh(fields);
  std::string key = json::serialize(schema);
  if (auto found = known.find(key); found != known.end()) return found->second;
  return known[std::move(key)] = readFresh(fields);
}

NodePtr NodeReader::State::readFresh(const json::Object& fields) {
  auto node = std::make_shared<Node>();
  readInto(*node, fields);
  return node;
}

// A reference may come with rules of its own (a default, a description, rules for fields of the struct), which then
// hold in this place only.
NodePtr NodeReader::State::readReference(const json::Value& schema) {
  const json::Object& fields = schema.get_object();
  const std::string name = text("$ref", fields.at("$ref"));
  if (fields.size() == 1) return resolve(name, Completeness::kPointer);
  const std::string key = json::serialize(schema);
  if (auto found = known.find(key); found != known.end()) return found->second;
  auto copy = std::make_shared<Node>(*resolve(name, Completeness::kComplete));
  json::Object rest = fields;
  rest.erase("$ref");
  readInto(*copy, rest);
  return known[key] = copy;
}

void NodeReader::State::readInto(Node& node, const json::Object& schema) {
  const bool ours = vocabulary != Vocabulary::kCustom;
  for (const auto& [key, value] : schema) {
    if (readScalar(kScalarKeys, node, key, value) || readNested(node, key, value)) continue;
    if (ours && !readScalar(kBuiltinKeys, node, key, value)) fail(key, "unknown key");
  }
  node.builtin = vocabulary == Vocabulary::kBuiltin;
  if (ours) checkConsistent(node);
  if (!ours && node.embeddedResource) addObjectFields(node);
}

void NodeReader::State::addObjectFields(Node& node) {
  static const json::Value kText = json::parse(R"({"type": "string"})");
  for (std::string name : {"apiVersion", "kind"}) {
    if (node.properties.emplace(name, read(kText)).second) node.propertyOrder.push_back(name);
  }
  if (!node.property("metadata")) node.propertyOrder.emplace_back("metadata");
  node.properties["metadata"] = resolve("meta/v1/ObjectMeta", Completeness::kPointer);
}

bool NodeReader::State::readNested(Node& node, std::string_view key, const json::Value& value) {
  if (key == "properties") {
    readProperties(node, object(key, value));
  } else if (key == "items") {
    node.items = within(key, [&] { return read(value); });
  } else if (key == "additionalProperties") {
    if (value.is_bool()) {
      if (value.get_bool()) node.preserveUnknownFields = true;
    } else {
      node.additionalProperties = within(key, [&] { return read(value); });
    }
  } else if (key == "allOf") {
    node.allOf = readAll(key, value);
  } else if (key == "anyOf") {
    node.anyOf = readAll(key, value);
  } else if (key == "oneOf") {
    node.oneOf = readAll(key, value);
  } else if (key == "not") {
    node.notNode = within(key, [&] { return read(value); });
  } else {
    return false;
  }
  return true;
}

void NodeReader::State::readProperties(Node& node, const json::Object& properties) {
  for (const auto& [key, schema] : properties) {
    const std::string name(key);
    const Node* before = node.property(name);
    node.properties[name] =
        within("properties." + name, [&, &value = schema] { return before ? readOver(*before, value) : read(value); });
    if (!before) node.propertyOrder.push_back(name);
  }
}

// A copy of `before` with further rules.
NodePtr NodeReader::State::readOver(const Node& before, const json::Value& schema) {
  auto copy = std::make_shared<Node>(before);
  readInto(*copy, object("schema", schema));
  return copy;
}

std::vector<NodePtr> NodeReader::State::readAll(std::string_view key, const json::Value& schemas) {
  std::vector<NodePtr> result;
  for (const json::Value& schema : list(key, schemas)) {
    result.push_back(within(key, [&] { return read(schema); }));
  }
  return result;
}

NodeReader::NodeReader(Vocabulary vocabulary, ResolveReference resolve)
    : state_(new State{vocabulary, std::move(resolve)}) {}

NodeReader::~NodeReader() = default;

NodePtr NodeReader::read(const json::Value& schema) { return state_->read(schema); }

void NodeReader::readInto(Node& node, const json::Object& schema) { state_->readInto(node, schema); }

}  // namespace wherry::schema

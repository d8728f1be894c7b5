#include "schema/loader.h"

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

#include "base/strings.h"
#include "schema/kind_reader.h"
#include "schema/node_reader.h"
#include "schema/registry.h"

namespace wherry::schema {
namespace {

constexpr std::string_view kMetaFolder = "meta/v1";
constexpr std::string_view kMetaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";

[[noreturn]] void fail(std::string_view path, std::string_view why) {
  throw std::logic_error("api/" + std::string(path) + ": " + std::string(why));
}

std::string_view folderOf(std::string_view path) { return path.substr(0, path.rfind('/')); }

bool isDefinitionsFile(const ApiFile& file) { return file.path.ends_with("/definitions.yaml"); }

// A struct that api/ defines, on its way from text to Node.
struct Definition {
  const ApiFile* file;
  const json::Object* schema;
  Node* node;
  enum class State { kUnread, kReading, kRead } state = State::kUnread;
};

// Reads all files. Definitions are found by folder and short name ("core/v1/PodSpec") and read when first needed.
class Loader {
 public:
  explicit Loader(const std::vector<ApiFile>& files) : files_(files) {
    versions_ = readApiVersions(tree("groups.yaml"));
    for (const ApiFile& file : files_) collectDefinitions(file);
  }

  RegistryPtr load() {
    RegistryParts parts;
    for (auto& [name, definition] : definitions_) readDefinition(name, definition);
    for (const ApiVersion& version : versions_) loadKindsOf(version, parts);
    for (auto& [name, definition] : definitions_) {
      parts.definitions[definition.node->definition] = owned(definition.node);
    }
    return makeRegistry(std::move(parts));
  }

 private:
  const json::Value& tree(std::string_view path) const {
    auto found = std::ranges::find(files_, path, &ApiFile::path);
    if (found == files_.end()) fail(path, "missing");
    return found->tree;
  }

  const ApiVersion& versionOf(const ApiFile& file) const {
    auto found = std::ranges::find(versions_, folderOf(file.path), &ApiVersion::folder);
    if (found == versions_.end()) fail(file.path, "its group and version are not in groups.yaml");
    return *found;
  }
  static bool isMeta(const ApiFile& file) { return folderOf(file.path) == kMetaFolder; }
  std::string_view packageOf(const ApiFile& file) const {
    return isMeta(file) ? kMetaPackage : std::string_view(versionOf(file).package);
  }

  // Definitions refer to each other, in circles too: inside of the tree by pointers that own nothing, since whoever has
  // a kind or a definition owns all of them.
  NodePtr owned(const Node* node) const { return NodePtr(nodes_, node); }
  static NodePtr borrowed(const Node* node) { return NodePtr(NodePtr(), node); }

  void collectDefinitions(const ApiFile& file);
  void addDefinition(const ApiFile& file, std::string_view name, const json::Value& schema);
  void readDefinition(const std::string& name, Definition& definition);
  NodePtr resolve(const ApiFile& file, std::string_view name, Completeness completeness);
  void loadKindsOf(const ApiVersion& version, RegistryParts& parts);
  KindPtr loadKind(const ApiFile& file, const ApiVersion& version);
  void addTypeMeta(Node& node, const ApiFile& file);
  NodeReader& readerFor(const ApiFile& file);

  const std::vector<ApiFile>& files_;
  std::vector<ApiVersion> versions_;
  std::shared_ptr<std::deque<Node>> nodes_ = std::make_shared<std::deque<Node>>();  // of all definitions
  std::map<std::string, Definition> definitions_;
  std::map<std::string, NodeReader, std::less<>> readers_;  // one for each folder
};

void Loader::collectDefinitions(const ApiFile& file) {
  if (file.path == "groups.yaml") return;
  if (!file.tree.is_object()) fail(file.path, "must be an object");
  const json::Object& fields = file.tree.get_object();
  if (isDefinitionsFile(file)) {
    for (const auto& [key, value] : fields) {
      if (key != "definitions") fail(file.path, std::string(key) + ": unknown key");
    }
  } else {
    const json::Value* schema = fields.if_contains("schema");
    if (!schema) fail(file.path, "schema: missing");
    addDefinition(file, json::getString(file.tree, "names.kind"), *schema);
  }
  if (const json::Value* definitions = fields.if_contains("definitions")) {
    if (!definitions->is_object()) fail(file.path, "definitions: must be an object");
    for (const auto& [name, schema] : definitions->get_object()) addDefinition(file, name, schema);
  }
}

void Loader::addDefinition(const ApiFile& file, std::string_view name, const json::Value& schema) {
  if (!schema.is_object()) fail(file.path, std::string(name) + ": must be an object");
  std::string key = std::string(folderOf(file.path)) + "/" + std::string(name);
  auto [added, isNew] = definitions_.try_emplace(key, Definition{&file, &schema.get_object(), nullptr});
  if (!isNew) fail(file.path, std::string(name) + ": defined twice, also in " + added->second.file->path);
  added->second.node = &nodes_->emplace_back();
  std::string full(json::getString(schema, "fullName"));
  added->second.node->definition = full.empty() ? std::string(packageOf(file)) + "." + std::string(name) : full;
}

void Loader::readDefinition(const std::string& name, Definition& definition) {
  if (definition.state == Definition::State::kRead) return;
  if (definition.state == Definition::State::kReading) {
    fail(definition.file->path, name + ": contains itself, which only a plain $ref may");
  }
  definition.state = Definition::State::kReading;
  json::Object schema = *definition.schema;
  schema.erase("fullName");
  try {
    readerFor(*definition.file).readInto(*definition.node, schema);
  } catch (const SchemaError& error) {
    fail(definition.file->path, name + "." + error.what());
  }
  if (!isDefinitionsFile(*definition.file) && definition.schema == definition.file->tree.at("schema").if_object()) {
    addTypeMeta(*definition.node, *definition.file);
  }
  definition.state = Definition::State::kRead;
}

// apiVersion, kind and metadata are the same in every kind, so api/ does not repeat them.
void Loader::addTypeMeta(Node& node, const ApiFile& file) {
  static const json::Value kTypeMeta = json::parse(R"({
    "apiVersion": {"type": "string", "description": "The group and version of this object, such as apps/v1."},
    "kind": {"type": "string", "description": "What this object is, such as Deployment."},
    "metadata": {"$ref": "meta/v1/ObjectMeta", "default": {}, "description": "The object's name, labels and the like."}
  })");
  std::vector<std::string> names;
  for (const auto& [name, schema] : kTypeMeta.get_object()) {
    node.properties[std::string(name)] = readerFor(file).read(schema);
    names.emplace_back(name);
  }
  node.propertyOrder.insert(node.propertyOrder.begin(), names.begin(), names.end());
}

NodeReader& Loader::readerFor(const ApiFile& file) {
  auto resolveHere = [this, &file](std::string_view name, Completeness completeness) {
    return resolve(file, name, completeness);
  };
  const bool extension = !isMeta(file) && versionOf(file).extension;
  const Vocabulary vocabulary = extension ? Vocabulary::kExtension : Vocabulary::kBuiltin;
  return readers_.try_emplace(std::string(folderOf(file.path)), vocabulary, resolveHere).first->second;
}

NodePtr Loader::resolve(const ApiFile& file, std::string_view name, Completeness completeness) {
  std::string key(name);
  if (name.find('/') == std::string_view::npos) key = std::string(folderOf(file.path)) + "/" + key;
  auto found = definitions_.find(key);
  if (found == definitions_.end()) throw SchemaError("$ref: no definition '" + key + "'");
  if (completeness == Completeness::kComplete) readDefinition(found->first, found->second);
  return borrowed(found->second.node);
}

void Loader::loadKindsOf(const ApiVersion& version, RegistryParts& parts) {
  std::vector<KindPtr> kinds;
  for (const ApiFile& file : files_) {
    if (folderOf(file.path) != version.folder || isDefinitionsFile(file)) continue;
    KindPtr kind = loadKind(file, version);
    (kind->resource.resource.empty() ? parts.bareKinds : kinds).push_back(kind);
  }
  std::ranges::sort(kinds, {}, [](const KindPtr& kind) { return kind->resource.resource; });
  parts.kinds.insert(parts.kinds.end(), kinds.begin(), kinds.end());
}

KindPtr Loader::loadKind(const ApiFile& file, const ApiVersion& version) {
  try {
    Kind kind = readKind(file.tree);
    const meta::Resource& resource = kind.resource;
    if (resource.group != version.group || resource.version != version.version) fail(file.path, "stands elsewhere");
    if (!file.path.ends_with("/" + base::toLower(resource.kind) + ".yaml"))
      fail(file.path, "is named after another kind");
    for (Subresource& subresource : kind.subresources) {
      if (subresource.kind.kind.empty()) subresource.kind.kind = resource.kind;
    }
    kind.custom = version.extension;
    kind.schema = owned(definitions_.at(version.folder + "/" + resource.kind).node);
    return std::make_shared<const Kind>(std::move(kind));
  } catch (const SchemaError& error) {
    fail(file.path, error.what());
  }
}

}  // namespace

std::vector<ApiVersion> readApiVersions(const json::Value& groupsFile) {
  std::vector<ApiVersion> result;
  const json::Value* groups = json::find(groupsFile, "groups");
  if (!groups || !groups->is_array()) fail("groups.yaml", "groups: must be a list");
  for (const json::Value& group : groups->get_array()) {
    std::string name(json::getString(group, "group"));
    const bool extension = json::getBool(group, "extension");
    const json::Value* versions = json::find(group, "versions");
    if (!versions || !versions->is_array()) fail("groups.yaml", name + ".versions: must be a list");
    for (const json::Value& entry : versions->get_array()) {
      std::string version(json::getString(entry, "version"));
      std::string package(json::getString(entry, "package"));
      if (version.empty() || package.empty()) fail("groups.yaml", name + ": needs version and package");
      result.push_back({name, version, package, (name.empty() ? "core" : name) + "/" + version, extension});
    }
  }
  return result;
}

RegistryPtr loadKinds(const std::vector<ApiFile>& files) { return Loader(files).load(); }

}  // namespace wherry::schema

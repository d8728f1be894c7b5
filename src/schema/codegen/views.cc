#include "schema/codegen/views.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/strings.h"

namespace wherry::schema {
namespace {

// A struct or kind that gets a view.
struct Struct {
  std::string space;  // "core_v1"
  std::string name;   // "PodSpec"
  NodePtr node;
  KindPtr kind;  // of a whole object
};

using Structs = std::map<std::string, Struct>;  // by the definition's full name

// The words that an accessor can't be called: C++'s keywords as far as field names use them.
const std::set<std::string, std::less<>> kKeywords = {
    "and",      "auto",    "bool",     "break",    "case",    "catch",     "char",   "class",    "const",
    "continue", "default", "delete",   "do",       "double",  "else",      "enum",   "explicit", "false",
    "float",    "for",     "friend",   "if",       "inline",  "int",       "long",   "mutable",  "namespace",
    "new",      "not",     "operator", "or",       "private", "protected", "public", "return",   "short",
    "signed",   "sizeof",  "static",   "struct",   "switch",  "template",  "this",   "throw",    "true",
    "try",      "typedef", "union",    "unsigned", "using",   "virtual",   "void",   "volatile", "while"};

// "template" -> "template_", "x-kubernetes-map-type" -> "xKubernetesMapType", "$ref" -> "ref"
std::string accessorOf(std::string_view field) {
  std::string result;
  bool capital = false;
  for (char c : field) {
    if (!std::isalnum(static_cast<unsigned char>(c))) {
      capital = !result.empty();
      continue;
    }
    result += capital ? static_cast<char>(std::toupper(c)) : c;
    capital = false;
  }
  return kKeywords.contains(result) ? result + "_" : result;
}

std::string capitalized(std::string name) {
  name[0] = static_cast<char>(std::toupper(name[0]));
  return name;
}

// "networking.k8s.io/v1" -> "networking_v1"
std::string spaceOf(std::string_view folder) {
  auto [group, version] = *base::splitOnce(folder, '/');
  return std::string(base::split(group, '.')[0]) + "_" + std::string(version);
}

std::string_view folderOf(std::string_view path) { return path.substr(0, path.rfind('/')); }

bool hasFields(const Node& node) { return node.type == Type::kObject && !node.properties.empty(); }

class Renderer {
 public:
  Renderer(const std::vector<ApiFile>& files, const Registry& registry) {
    for (const ApiVersion& version : readApiVersions(findGroups(files))) packages_[version.folder] = version.package;
    packages_["meta/v1"] = "io.k8s.apimachinery.pkg.apis.meta.v1";
    for (const ApiFile& file : files) collect(file, registry);
  }

  ViewHeaders render() const {
    std::set<std::string> spaces;
    for (const auto& [name, item] : structs_) spaces.insert(item.space);
    ViewHeaders headers;
    for (const std::string& space : spaces) headers[space] = renderHeader(space);
    return headers;
  }

 private:
  static const json::Value& findGroups(const std::vector<ApiFile>& files) {
    return std::ranges::find(files, "groups.yaml", &ApiFile::path)->tree;
  }

  void collect(const ApiFile& file, const Registry& registry);
  void add(const std::string& folder, std::string_view name, const Registry& registry, KindPtr kind);
  const Struct* findStruct(const Node& node) const;
  std::string returnType(const Node& node, const std::string& space) const;
  std::string body(const Node& node, const std::string& space, const std::string& field) const;
  std::string renderClass(const Struct& item) const;
  std::string renderBodies(const Struct& item) const;
  std::string renderHeader(const std::string& space) const;
  void collectIncludes(const Struct& item, std::set<std::string>& includes) const;

  std::map<std::string, std::string, std::less<>> packages_;
  Structs structs_;
};

void Renderer::collect(const ApiFile& file, const Registry& registry) {
  if (file.path == "groups.yaml") return;
  std::string folder(folderOf(file.path));
  if (const json::Value* definitions = json::find(file.tree, "definitions")) {
    for (const auto& [name, schema] : definitions->get_object()) add(folder, name, registry, nullptr);
  }
  std::string kindName(json::getString(file.tree, "names.kind"));
  if (kindName.empty()) return;
  std::string group(json::getString(file.tree, "group")), version(json::getString(file.tree, "version"));
  add(folder, kindName, registry, registry.findKind({group, version, kindName}));
}

void Renderer::add(const std::string& folder, std::string_view name, const Registry& registry, KindPtr kind) {
  std::string full = packages_.find(folder)->second + "." + std::string(name);
  NodePtr node = registry.findDefinition(full);
  if (!node || !hasFields(*node)) return;
  structs_[full] = {spaceOf(folder), std::string(name), node, std::move(kind)};
}

// Null for a whole object too: inside of another one nothing keeps it alive.
const Struct* Renderer::findStruct(const Node& node) const {
  auto found = structs_.find(node.definition);
  return found == structs_.end() || found->second.kind ? nullptr : &found->second;
}

std::string Renderer::returnType(const Node& node, const std::string& space) const {
  auto nameOf = [&](const Struct& item) { return item.space == space ? item.name : item.space + "::" + item.name; };
  switch (node.type) {
    case Type::kString:
      return "std::string_view";
    case Type::kInteger:
      return "int64_t";
    case Type::kNumber:
      return "double";
    case Type::kBoolean:
      return "bool";
    case Type::kObject:
      if (const Struct* item = findStruct(node)) return nameOf(*item);
      if (!node.additionalProperties) return "const json::Value*";
      return node.additionalProperties->type == Type::kString ? "schema::StringMap" : "const json::Object&";
    case Type::kArray:
      if (const Struct* item = findStruct(*node.items)) return "schema::List<" + nameOf(*item) + ">";
      return node.items->type == Type::kString ? "schema::List<std::string_view>" : "const json::Array&";
    default:
      return "const json::Value*";
  }
}

std::string Renderer::body(const Node& node, const std::string& space, const std::string& field) const {
  std::string key = "(\"" + field + "\")";
  std::string type = returnType(node, space);
  if (node.type == Type::kString) return "View::text" + key;
  if (node.type == Type::kInteger) return "View::integer" + key;
  if (node.type == Type::kNumber) return "View::number" + key;
  if (node.type == Type::kBoolean) return "View::boolean" + key;
  if (type == "const json::Value*") return "View::field" + key;
  if (type == "const json::Object&") return "View::object" + key;
  if (type == "const json::Array&") return "View::array" + key;
  if (type == "schema::StringMap") return type + "(View::object" + key + ")";
  if (node.type == Type::kArray) return type + "(View::array" + key + ")";
  return type + "(View::field" + key + ")";
}

std::string Renderer::renderClass(const Struct& item) const {
  std::string base = item.kind ? "schema::ObjectView" : "schema::View";
  std::string out = "class " + item.name + " : public " + base + " {\n public:\n  using " + base +
                    (item.kind ? "::ObjectView" : "::View") + ";\n";
  if (item.kind && !item.kind->resource.resource.empty()) out += "  static const meta::Resource& kResource();\n";
  for (const std::string& field : item.node->propertyOrder) {
    if (item.kind && (field == "apiVersion" || field == "kind" || field == "metadata")) continue;
    const Node& node = *item.node->property(field);
    std::string name = accessorOf(field);
    out += "  " + returnType(node, item.space) + " " + name + "() const;\n";
    out += "  bool has" + capitalized(name) + "() const { return View::has(\"" + field + "\"); }\n";
    bool integer = node.type == Type::kInteger;
    if (!integer && node.type != Type::kBoolean) continue;
    out += std::string("  ") + (integer ? "int64_t " : "bool ") + name + "Or(" + (integer ? "int64_t" : "bool") +
           " fallback) const { return View::" + (integer ? "integer" : "boolean") + "(\"" + field +
           "\", fallback); }\n";
  }
  return out + "};\n\n";
}

std::string renderResource(const Struct& item) {
  const meta::Resource& r = item.kind->resource;
  std::string scope = r.scope == meta::Scope::kNamespaced ? "kNamespaced" : "kCluster";
  return "inline const meta::Resource& " + item.name + "::kResource() {\n  static const meta::Resource resource{\"" +
         r.group + "\", \"" + r.version + "\", \"" + r.resource + "\", \"" + r.kind + "\", meta::Scope::" + scope +
         "};\n  return resource;\n}\n";
}

std::string Renderer::renderBodies(const Struct& item) const {
  std::string out;
  if (item.kind && !item.kind->resource.resource.empty()) out += renderResource(item);
  for (const std::string& field : item.node->propertyOrder) {
    if (item.kind && (field == "apiVersion" || field == "kind" || field == "metadata")) continue;
    const Node& node = *item.node->property(field);
    out += "inline " + returnType(node, item.space) + " " + item.name + "::" + accessorOf(field) +
           "() const { return " + body(node, item.space, field) + "; }\n";
  }
  return out;
}

void Renderer::collectIncludes(const Struct& item, std::set<std::string>& includes) const {
  for (const auto& [field, node] : item.node->properties) {
    const Struct* used = findStruct(node->items ? *node->items : *node);
    if (used && used->space != item.space) includes.insert(used->space);
  }
}

std::string Renderer::renderHeader(const std::string& space) const {
  std::set<std::string> includes;
  std::string forwards, classes, bodies;
  for (const auto& [full, item] : structs_) {
    if (item.space != space) continue;
    collectIncludes(item, includes);
    forwards += "class " + item.name + ";\n";
    classes += renderClass(item);
    bodies += renderBodies(item);
  }
  std::string out = "// Generated from api/ by the build; schema/view.h says how to use it.\n#pragma once\n\n";
  out += "#include \"schema/view.h\"\n";
  for (const std::string& include : includes) out += "#include \"views/" + include + ".h\"\n";
  out += "\nnamespace wherry::" + space + " {\n\n" + forwards + "\n" + classes + bodies;
  return out + "\n}  // namespace wherry::" + space + "\n";
}

}  // namespace

ViewHeaders renderViews(const std::vector<ApiFile>& files, const Registry& registry) {
  return Renderer(files, registry).render();
}

}  // namespace wherry::schema

#include "schema/openapi_operations.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "base/strings.h"

namespace wherry::schema {
namespace {

using Parameters = std::vector<Parameter>;

const Parameters kWriteParameters = {
    {"dryRun", "query", "string"}, {"fieldManager", "query", "string"}, {"fieldValidation", "query", "string"}};
const Parameters kListParameters = {{"allowWatchBookmarks", "query", "boolean"},
                                    {"continue", "query", "string"},
                                    {"fieldSelector", "query", "string"},
                                    {"labelSelector", "query", "string"},
                                    {"limit", "query", "integer"},
                                    {"resourceVersion", "query", "string"},
                                    {"resourceVersionMatch", "query", "string"},
                                    {"sendInitialEvents", "query", "boolean"},
                                    {"timeoutSeconds", "query", "integer"},
                                    {"watch", "query", "boolean"}};
const Parameters kDeleteParameters = {{"dryRun", "query", "string"},
                                      {"gracePeriodSeconds", "query", "integer"},
                                      {"orphanDependents", "query", "boolean"},
                                      {"propagationPolicy", "query", "string"}};
const Parameters kLogParameters = {{"container", "query", "string"},     {"follow", "query", "boolean"},
                                   {"limitBytes", "query", "integer"},   {"previous", "query", "boolean"},
                                   {"sinceSeconds", "query", "integer"}, {"stream", "query", "string"},
                                   {"tailLines", "query", "integer"},    {"timestamps", "query", "boolean"}};
const Parameters kStreamParameters = {{"container", "query", "string"},
                                      {"stderr", "query", "boolean"},
                                      {"stdin", "query", "boolean"},
                                      {"stdout", "query", "boolean"},
                                      {"tty", "query", "boolean"}};

// The query of each kind of options that a stream is opened with.
const Parameters& optionsParameters(std::string_view kind) {
  static const std::map<std::string, Parameters, std::less<>> kTable = {
      {"PodAttachOptions", kStreamParameters},
      {"PodPortForwardOptions", {{"ports", "query", "integer"}}},
      {"PodProxyOptions", {{"path", "query", "string"}}},
      {"ServiceProxyOptions", {{"path", "query", "string"}}},
      {"NodeProxyOptions", {{"path", "query", "string"}}}};
  static const Parameters kExec = [] {
    Parameters parameters = kStreamParameters;
    parameters.insert(parameters.begin(), {"command", "query", "string"});
    return parameters;
  }();
  auto found = kTable.find(kind);
  return found == kTable.end() ? kExec : found->second;
}

Parameters merged(Parameters a, const Parameters& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::ranges::sort(a);
  return a;
}

std::string capitalized(std::string_view text) {
  std::string result(text);
  if (!result.empty()) result[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(result[0])));
  return result;
}

// "RbacAuthorization" for rbac.authorization.k8s.io.
std::string groupWords(std::string_view group) {
  if (group.empty()) return "Core";
  if (group.ends_with(".k8s.io")) group.remove_suffix(7);
  std::string words;
  for (std::string_view label : base::split(group, '.')) {
    for (std::string_view part : base::split(label, '-')) words += capitalized(part);
  }
  return words;
}

class PathBuilder {
 public:
  explicit PathBuilder(const meta::GroupVersion& groupVersion)
      : root_((groupVersion.group.empty() ? "/api/" : "/apis/") + groupVersion.apiVersion()),
        words_(groupWords(groupVersion.group) + capitalized(groupVersion.version)) {}

  void addDiscovery() {
    PathItem item{root_ + "/", {}, {}};
    item.operations.push_back({.method = "get",
                               .id = "get" + words_ + "APIResources",
                               .response = Payload::kResourceList,
                               .codes = {200, 401}});
    items_.push_back(std::move(item));
  }

  void addKind(const KindPtr& kind) {
    kind_ = kind;
    namespaced_ = kind->resource.scope == meta::Scope::kNamespaced;
    scope_ = namespaced_ ? "Namespaced" : "";
    if (namespaced_ && kind->hasVerb("list")) addListOfAllNamespaces();
    addCollection();
    addObject();
    for (const Subresource& subresource : kind->subresources) addSubresource(subresource);
  }

  std::vector<PathItem> take() { return std::move(items_); }

 private:
  std::string collectionPath() const {
    return root_ + (namespaced_ ? "/namespaces/{namespace}/" : "/") + kind_->resource.resource;
  }

  // Parameters that stand for every operation of a path.
  Parameters pathParameters(bool named) const {
    Parameters parameters;
    if (named) parameters.push_back({"name", "path", "string"});
    if (namespaced_) parameters.push_back({"namespace", "path", "string"});
    parameters.push_back({"pretty", "query", "string"});
    return parameters;
  }

  Operation operation(std::string method, const std::string& verb, std::string action) const {
    Operation result;
    result.method = std::move(method);
    result.id = verb + words_ + scope_ + kind_->resource.kind;
    result.action = std::move(action);
    result.about = kind_;
    result.kind = {kind_->resource.group, kind_->resource.version, kind_->resource.kind};
    result.codes = {200, 401};
    return result;
  }

  Operation read() const { return operation("get", "read", "get"); }

  Operation list() const {
    Operation result = operation("get", "list", "list");
    result.parameters = kListParameters;
    result.response = Payload::kList;
    return result;
  }

  Operation write(std::string method, const std::string& verb, std::vector<int> codes) const {
    Operation result = operation(method, verb, method);
    result.parameters = kWriteParameters;
    result.request = Payload::kObject;
    result.codes = std::move(codes);
    return result;
  }

  Operation create() const { return write("post", "create", {200, 201, 202, 401}); }
  Operation replace() const { return write("put", "replace", {200, 201, 401}); }

  Operation patch() const {
    Operation result = write("patch", "patch", {200, 201, 401});
    result.parameters = merged(kWriteParameters, {{"force", "query", "boolean"}});
    result.request = Payload::kPatch;
    return result;
  }

  Operation remove() const {
    Operation result = operation("delete", "delete", "delete");
    result.parameters = kDeleteParameters;
    result.request = Payload::kDeleteOptions;
    result.response = Payload::kStatus;
    result.codes = {200, 202, 401};
    return result;
  }

  Operation removeCollection() const {
    Operation result = remove();
    result.id = "delete" + words_ + "Collection" + scope_ + kind_->resource.kind;
    result.action = "deletecollection";
    Parameters selecting;
    std::ranges::copy_if(kListParameters, std::back_inserter(selecting),
                         [](const Parameter& p) { return p.name != "allowWatchBookmarks" && p.name != "watch"; });
    result.parameters = merged(kDeleteParameters, selecting);
    result.codes = {200, 401};
    return result;
  }

  void addListOfAllNamespaces() {
    PathItem item{root_ + "/" + kind_->resource.resource, {{"pretty", "query", "string"}}, {list()}};
    item.operations[0].id = "list" + words_ + kind_->resource.kind + "ForAllNamespaces";
    items_.push_back(std::move(item));
  }

  void addCollection() {
    PathItem item{collectionPath(), pathParameters(false), {}};
    if (kind_->hasVerb("list")) item.operations.push_back(list());
    if (kind_->hasVerb("create")) item.operations.push_back(create());
    if (kind_->hasVerb("deletecollection")) item.operations.push_back(removeCollection());
    if (!item.operations.empty()) items_.push_back(std::move(item));
  }

  void addObject() {
    PathItem item{collectionPath() + "/{name}", pathParameters(true), {}};
    if (kind_->hasVerb("get")) item.operations.push_back(read());
    if (kind_->hasVerb("update")) item.operations.push_back(replace());
    if (kind_->hasVerb("delete")) item.operations.push_back(remove());
    if (kind_->hasVerb("patch")) item.operations.push_back(patch());
    if (!item.operations.empty()) items_.push_back(std::move(item));
  }

  void addSubresource(const Subresource& subresource) {
    std::string path = collectionPath() + "/{name}/" + subresource.name;
    if (subresource.kind.kind.ends_with("Options")) return addStream(path, subresource);
    PathItem item{path, pathParameters(true), {}};
    for (const std::string& verb : subresource.verbs) {
      auto built = subresourceOperation(verb);
      if (!built) continue;
      built->id += capitalized(subresource.name);
      built->kind.kind = subresource.kind.kind;
      if (!subresource.kind.version.empty()) built->kind = subresource.kind;
      if (subresource.name == "log") {
        built->parameters = kLogParameters;
        built->response = Payload::kText;
      }
      item.operations.push_back(std::move(*built));
    }
    if (!item.operations.empty()) items_.push_back(std::move(item));
  }

  std::optional<Operation> subresourceOperation(std::string_view verb) const {
    if (verb == "get") return read();
    if (verb == "create") return create();
    if (verb == "update") return replace();
    if (verb == "patch") return patch();
    return std::nullopt;
  }

  // exec, attach, portforward and proxy take over the connection.
  void addStream(const std::string& path, const Subresource& subresource) {
    static constexpr std::pair<std::string_view, const char*> kMethods[] = {
        {"get", "get"}, {"create", "post"}, {"update", "put"}, {"delete", "delete"}, {"patch", "patch"}};
    PathItem item{path, pathParameters(true), {}};
    std::erase_if(item.parameters, [](const Parameter& parameter) { return parameter.name == "pretty"; });
    for (const auto& [verb, method] : kMethods) {
      if (std::ranges::find(subresource.verbs, verb) == subresource.verbs.end()) continue;
      Operation stream = operation(method, "", "connect");
      stream.id =
          "connect" + words_ + capitalized(method) + scope_ + kind_->resource.kind + capitalized(subresource.name);
      stream.about = nullptr;
      stream.kind = {kind_->resource.group, kind_->resource.version, subresource.kind.kind};
      stream.parameters = optionsParameters(subresource.kind.kind);
      stream.response = Payload::kText;
      item.operations.push_back(std::move(stream));
    }
    items_.push_back(std::move(item));
  }

  std::string root_;
  std::string words_;
  KindPtr kind_;
  bool namespaced_ = false;
  std::string scope_;
  std::vector<PathItem> items_;
};

}  // namespace

std::vector<PathItem> pathsOf(const Registry& registry, const meta::GroupVersion& groupVersion) {
  PathBuilder builder(groupVersion);
  bool known = false;
  for (const KindPtr& kind : registry.kinds()) {
    if (kind->resource.group != groupVersion.group || kind->resource.version != groupVersion.version) continue;
    if (!known) builder.addDiscovery();
    known = true;
    builder.addKind(kind);
  }
  return builder.take();
}

std::string tagOf(const meta::GroupVersion& groupVersion) {
  std::string words = groupWords(groupVersion.group);
  words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  return words + "_" + groupVersion.version;
}

}  // namespace wherry::schema

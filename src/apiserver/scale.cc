#include "apiserver/scale.h"

#include <fmt/format.h>

#include "apiserver/object_meta.h"
#include "apiserver/object_store.h"
#include "base/strings.h"
#include "meta/selector.h"

namespace wherry::apiserver {
namespace {

std::string withoutLeadingDot(std::string_view path) {
  return std::string(path.starts_with('.') ? path.substr(1) : path);
}

void setAt(json::Object& object, std::string_view dottedPath, json::Value value) {
  auto pair = base::splitOnce(dottedPath, '.');
  if (!pair) {
    object[dottedPath] = std::move(value);
    return;
  }
  setAt(json::ensureObject(object, pair->first), pair->second, std::move(value));
}

// A CustomResourceDefinition names the paths.
ScalePaths customPaths(const Backend& backend, const schema::Kind& kind) {
  auto crd = backend.objects.find({"apiextensions.k8s.io", "customresourcedefinitions"}, "",
                                  kind.resource.resource + "." + kind.resource.group);
  const auto* versions = crd ? json::find(crd->tree(), "spec.versions") : nullptr;
  if (!versions || !versions->is_array()) throw meta::pathNotFound();
  for (const auto& version : versions->get_array()) {
    const auto* scale = json::find(version, "subresources.scale");
    if (!scale || json::getString(version, "name") != kind.resource.version) continue;
    return {withoutLeadingDot(json::getString(*scale, "specReplicasPath")),
            withoutLeadingDot(json::getString(*scale, "statusReplicasPath")),
            withoutLeadingDot(json::getString(*scale, "labelSelectorPath"))};
  }
  throw meta::pathNotFound();
}

std::string selectorText(const schema::Kind& kind, const ScalePaths& paths, const json::Value& object) {
  if (!paths.selector.empty()) return std::string(json::getString(object, paths.selector));
  const auto* selector = json::find(object, "spec.selector");
  if (kind.custom || !selector) return {};
  bool isPlainMap = kind.resource.resource == "replicationcontrollers";
  if (isPlainMap && selector->is_object()) return meta::LabelSelector::fromMap(selector->get_object()).text();
  return meta::LabelSelector::fromObject(selector).text();
}

void validateScale(const WriteContext& context, const json::Value& scale) {
  if (!scale.is_object()) throw meta::badRequest("the Scale is not an object");
  const auto* replicas = json::find(scale, "spec.replicas");
  if (replicas && !replicas->is_int64() && !replicas->is_uint64()) {
    throw meta::badRequest("json: cannot unmarshal spec.replicas of a Scale: it is not an integer");
  }
  auto name = json::getString(scale, "metadata.name");
  if (!name.empty() && name != context.name) matchName(scale, context.name);
  if (json::getInt(scale, "spec.replicas") >= 0) return;
  throw meta::invalid({"autoscaling", "v1", "Scale"}, context.name,
                      {meta::invalidField("spec.replicas", *replicas, "must be greater than or equal to 0")});
}

}  // namespace

ScalePaths scalePathsOf(const Backend& backend, const schema::Kind& kind) {
  return kind.custom ? customPaths(backend, kind) : ScalePaths{};
}

json::Value renderScale(const schema::Kind& kind, const ScalePaths& paths, const json::Value& object) {
  json::Object metadata;
  for (auto key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (auto text = json::getString(object, fmt::format("metadata.{}", key)); !text.empty()) metadata[key] = text;
  }
  json::Object spec;
  if (auto replicas = json::getInt(object, paths.specReplicas); replicas != 0) spec["replicas"] = replicas;
  json::Object status{{"replicas", json::getInt(object, paths.statusReplicas)}};
  if (auto selector = selectorText(kind, paths, object); !selector.empty()) status["selector"] = selector;
  return json::Object{{"kind", "Scale"},
                      {"apiVersion", "autoscaling/v1"},
                      {"metadata", std::move(metadata)},
                      {"spec", std::move(spec)},
                      {"status", std::move(status)}};
}

void updateScale(Backend& backend, WriteContext context, std::function<json::Value(const json::Value& scale)> next,
                 OnWritten done) {
  auto paths = scalePathsOf(backend, *context.kind);
  Change change;
  change.next = [context, paths, next = std::move(next)](const json::Value* stored) {
    auto scale = next(renderScale(*context.kind, paths, *stored));
    validateScale(context, scale);
    json::Value object = *stored;
    setAt(object.as_object(), paths.specReplicas, json::getInt(scale, "spec.replicas"));
    auto& metadata = requireMetadata(object);
    if (auto uid = json::getString(scale, "metadata.uid"); !uid.empty()) metadata["uid"] = uid;
    if (auto version = json::getString(scale, "metadata.resourceVersion"); !version.empty()) {
      metadata["resourceVersion"] = version;
    }
    return object;
  };
  auto kind = context.kind;
  updateObject(backend, std::move(context), std::move(change), [kind, paths, done = std::move(done)](Written written) {
    if (!written.error) {
      auto scale = renderScale(*kind, paths, json::parse(*written.object));
      written.object = std::make_shared<const std::string>(json::serialize(scale));
      written.kind = nullptr;
    }
    done(std::move(written));
  });
}

}  // namespace wherry::apiserver

#include <vector>

#include "schema/embedded_api.h"
#include "schema/kind.h"
#include "schema/loader.h"

namespace wherry::schema {
namespace {

RegistryPtr loadEmbedded() {
  json::Value trees = json::parse(embeddedApi());
  std::vector<ApiFile> files;
  for (auto& [path, tree] : trees.get_object()) files.push_back({std::string(path), std::move(tree)});
  return loadKinds(files);
}

}  // namespace

RegistryPtr builtinRegistry() {
  // Never destroyed: kinds may be in use until the process ends.
  static const RegistryPtr& registry = *new RegistryPtr(loadEmbedded());
  return registry;
}

}  // namespace wherry::schema

#include "controllers/informer_handlers.h"

namespace wherry::controllers {

meta::LabelSelector selectorOf(const meta::Object& owner) {
  const auto* selector = json::find(owner.tree(), "spec.selector");
  if (owner.kind() == "ReplicationController") {
    return meta::LabelSelector::fromMap(selector && selector->is_object() ? selector->get_object() : json::Object());
  }
  return meta::LabelSelector::fromObject(selector);
}

std::vector<std::string> ownersToTell(const meta::Object& owned, std::string_view kind,
                                      const client::Informer& owners) {
  const auto metadata = owned.metadata();
  if (const auto* controller = metadata.controllerRef()) {
    if (json::getString(*controller, "kind") != kind) return {};
    return {meta::ObjectKey{std::string(metadata.ns()), std::string(json::getString(*controller, "name"))}.text()};
  }
  std::vector<std::string> keys;
  if (metadata.labels().empty()) return keys;
  for (const auto& owner : owners.list(metadata.ns())) {
    if (selectorOf(*owner).matches(metadata.labels())) keys.push_back(owner->key().text());
  }
  return keys;
}

}  // namespace wherry::controllers

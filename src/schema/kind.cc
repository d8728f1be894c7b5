#include "schema/kind.h"

#include <algorithm>

namespace wherry::schema {

const Node* Node::property(std::string_view name) const {
  auto found = properties.find(name);
  return found == properties.end() ? nullptr : found->second.get();
}

const Subresource* Kind::findSubresource(std::string_view name) const {
  auto found = std::ranges::find(subresources, name, &Subresource::name);
  return found == subresources.end() ? nullptr : &*found;
}

bool Kind::hasVerb(std::string_view verb) const { return std::ranges::find(verbs, verb) != verbs.end(); }

}  // namespace wherry::schema

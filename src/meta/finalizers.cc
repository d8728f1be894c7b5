#include "meta/finalizers.h"

namespace wherry::meta {

json::Value withoutFinalizer(const Object& object, std::string_view finalizer) {
  const auto metadata = object.metadata();
  json::Array kept;
  for (const auto& present : metadata.finalizers()) {
    if (!present.is_string() || present.get_string() != finalizer) kept.push_back(present);
  }
  return json::Object{{"metadata", json::Object{{"uid", metadata.uid()},
                                                {"resourceVersion", metadata.resourceVersion()},
                                                {"finalizers", std::move(kept)}}}};
}

}  // namespace wherry::meta

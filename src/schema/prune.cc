#include <algorithm>

#include "schema/object_path.h"
#include "schema/object_rules.h"

namespace wherry::schema {
namespace {

class Pruner {
 public:
  void visit(const Node& node, json::Value& value, const ObjectPath& path) {
    if (json::Object* object = value.if_object()) {
      visitObject(node, *object, path);
    } else if (json::Array* array = value.if_array(); array && node.items) {
      for (size_t i = 0; i < array->size(); ++i) visit(*node.items, (*array)[i], path.item(i));
    }
  }

  std::vector<std::string> takeUnknown() { return std::move(unknown_); }

 private:
  static bool keepsUnknown(const Node& node) { return node.preserveUnknownFields || node.type == Type::kAny; }

  // True when every field was known.
  bool visitFields(const Node& node, json::Object& object, const ObjectPath& path) {
    bool allKnown = true;
    for (auto& [key, value] : object) {
      if (const Node* property = node.property(key)) {
        visit(*property, value, path.field(key));
      } else if (node.additionalProperties) {
        visit(*node.additionalProperties, value, path.key(key));
      } else if (!keepsUnknown(node)) {
        allKnown = false;
        if (unknown_.size() < kMaxFindings) unknown_.push_back(path.field(key).text());
      }
    }
    return allKnown;
  }

  void visitObject(const Node& node, json::Object& object, const ObjectPath& path) {
    if (visitFields(node, object, path)) return;
    // Made anew instead of erasing, which would move all later fields each time.
    json::Object kept(object.storage());
    kept.reserve(object.size());
    for (auto& [key, value] : object) {
      if (node.property(key) || node.additionalProperties || keepsUnknown(node)) kept.emplace(key, std::move(value));
    }
    object = std::move(kept);
  }

  std::vector<std::string> unknown_;
};

}  // namespace

std::vector<std::string> prune(const Node& schema, json::Value& object) {
  Pruner pruner;
  pruner.visit(schema, object, {});
  return pruner.takeUnknown();
}

}  // namespace wherry::schema

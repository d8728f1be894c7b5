#include "base/strings.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

Value age(const Value& object, Now now) { return Value(sinceAt(object, "metadata.creationTimestamp", now)); }

Value dataCount(const Value& object, Now) {
  return objectAt(object, "data").size() + objectAt(object, "binaryData").size();
}

Value joined(const Value& object, std::string_view field) {
  return Value(base::join(collectTexts(arrayAt(object, "spec.template.spec.containers"), field), ","));
}
Value containers(const Value& object, Now) {
  if (json::find(object, "template") == nullptr) return joined(object, "name");
  return Value(base::join(collectTexts(arrayAt(object, "template.spec.containers"), "name"), ","));
}
Value images(const Value& object, Now) {
  if (json::find(object, "template") == nullptr) return joined(object, "image");
  return Value(base::join(collectTexts(arrayAt(object, "template.spec.containers"), "image"), ","));
}

// A ReplicationController's is a plain map of labels.
Value selector(const Value& object, Now) {
  const Value* selector = json::find(object, "spec.selector");
  if (json::getString(object, "kind") != "ReplicationController") return Value(renderSelector(selector));
  return Value(renderLabels(objectAt(object, "spec.selector")));
}

Value podTemplateLabels(const Value& object, Now) {
  return Value(renderLabels(objectAt(object, "template.metadata.labels")));
}

constexpr NamedCell kCells[] = {
    {"age", age},       {"dataCount", dataCount}, {"containers", containers},
    {"images", images}, {"selector", selector},   {"podTemplateLabels", podTemplateLabels},
};

}  // namespace

std::span<const NamedCell> commonCells() { return kCells; }

}  // namespace wherry::schema

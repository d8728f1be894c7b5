#include "schema/table.h"

#include <optional>

#include "base/strings.h"
#include "meta/time.h"
#include "schema/table_cells.h"
#include "schema/table_jsonpath.h"

namespace wherry::schema {
namespace {

using json::Value;

// What a built-in's field is when the object doesn't say: the zero value of its type, as in a struct.
Value zeroAt(const Node& root, std::string_view path) {
  const Node* node = &root;
  for (std::string_view name : base::split(path.substr(path.starts_with('.') ? 1 : 0), '.')) {
    node = node->property(name);
    if (node == nullptr) return "";
  }
  switch (node->type) {
    case Type::kInteger:
      return 0;
    case Type::kBoolean:
      return false;
    default:
      return "";
  }
}

// How a custom column shows a value of its type.
Value customCell(const Column& column, const Value& value, base::WallTime now) {
  if (column.type == "string") return value.is_string() ? value : Value(json::serialize(value));
  if (column.type == "boolean") return value.is_bool() ? value : Value();
  if (column.type == "number") return value.is_number() ? value : Value();
  if (column.type == "integer") return value.is_int64() || value.is_uint64() ? value : Value();
  if (column.type != "date" || !value.is_string()) return Value();
  auto time = meta::parseTime(value.get_string());
  if (!time) return "<invalid>";
  return Value(meta::humanDuration(std::chrono::duration_cast<std::chrono::seconds>(now - *time)));
}

// One column, ready to be asked for many objects.
class CellRenderer {
 public:
  CellRenderer(const Kind& kind, const Column& column) : kind_(kind), column_(column) {
    if (column.hook.empty()) {
      path_ = JsonPath::parse(column.jsonPath);
    } else {
      hook_ = findCell(column.hook);
    }
  }

  Value render(const Value& object, base::WallTime now) const {
    if (hook_ != nullptr) return hook_(object, now);
    if (!path_) return Value();
    std::vector<const Value*> found = path_->find(object);
    bool missing = found.empty() || found[0]->is_null();
    if (!kind_.custom) return missing ? zeroAt(*kind_.schema, column_.jsonPath) : *found[0];
    if (missing) return Value();
    return customCell(column_, *found[0], now);
  }

 private:
  const Kind& kind_;
  const Column& column_;
  CellFunction hook_ = nullptr;
  std::optional<JsonPath> path_;
};

json::Array renderHeaders(const Kind& kind) {
  json::Array headers;
  for (const Column& column : kind.columns) {
    headers.push_back(json::Object{{"name", column.name},
                                   {"type", column.type},
                                   {"format", column.format},
                                   {"description", column.description},
                                   {"priority", column.priority}});
  }
  return headers;
}

Value renderObject(const Value& object, IncludeObject include, const std::string& apiVersion) {
  if (include == IncludeObject::kNone) return Value();
  if (include == IncludeObject::kObject) return object;
  json::Object partial = {{"kind", "PartialObjectMetadata"}, {"apiVersion", apiVersion}};
  const Value* metadata = json::find(object, "metadata");
  partial["metadata"] = metadata == nullptr ? Value(json::Object()) : *metadata;
  return partial;
}

// Clients grey out the rows of pods that have ended.
std::optional<json::Array> rowConditions(const Kind& kind, const Value& object) {
  if (kind.resource.kind != "Pod" || !kind.resource.group.empty()) return std::nullopt;
  std::string_view phase = json::getString(object, "status.phase");
  if (phase != "Succeeded" && phase != "Failed") return std::nullopt;
  const char* message = phase == "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return json::Array{json::Object{{"type", "Completed"}, {"status", "True"}, {"reason", phase}, {"message", message}}};
}

}  // namespace

json::Value renderTable(const Kind& kind, std::span<const json::Value* const> objects, const json::Object& listMetadata,
                        IncludeObject include, std::string_view tableVersion, base::WallTime now,
                        TableHeaders headers) {
  std::string apiVersion = "meta.k8s.io/" + std::string(tableVersion);
  std::vector<CellRenderer> columns;
  columns.reserve(kind.columns.size());
  for (const Column& column : kind.columns) columns.emplace_back(kind, column);
  json::Array rows;
  rows.reserve(objects.size());
  for (const Value* object : objects) {
    json::Array cells;
    for (const CellRenderer& column : columns) cells.push_back(column.render(*object, now));
    json::Object row = {{"cells", std::move(cells)}};
    if (auto conditions = rowConditions(kind, *object)) row["conditions"] = std::move(*conditions);
    row["object"] = renderObject(*object, include, apiVersion);
    rows.push_back(std::move(row));
  }
  json::Object table = {{"kind", "Table"}, {"apiVersion", apiVersion}, {"metadata", listMetadata}};
  table["columnDefinitions"] = headers == TableHeaders::kYes ? Value(renderHeaders(kind)) : Value();
  table["rows"] = std::move(rows);
  return table;
}

}  // namespace wherry::schema

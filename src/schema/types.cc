#include <cmath>
#include <limits>

#include "base/encoding.h"
#include "meta/quantity.h"
#include "meta/time.h"
#include "schema/object_path.h"
#include "schema/object_rules.h"

namespace wherry::schema {
namespace {

std::string_view jsonTypeOf(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::object:
      return "object";
    case json::Kind::array:
      return "array";
    case json::Kind::string:
      return "string";
    case json::Kind::bool_:
      return "bool";
    default:
      return "number";
  }
}

// "io.k8s.api.core.v1.PodSpec" -> "v1.PodSpec"
std::string shortName(std::string_view definition) {
  size_t dot = definition.rfind('.');
  size_t before = dot == std::string_view::npos ? dot : definition.rfind('.', dot - 1);
  return std::string(before == std::string_view::npos ? definition : definition.substr(before + 1));
}

// The Go type that the decoder names in its message, as clients know it.
std::string goTypeOf(const Node& node) {
  switch (node.type) {
    case Type::kString:
      return node.definition.empty() ? "string" : shortName(node.definition);
    case Type::kInteger:
      return node.format == "int32" ? "int32" : "int64";
    case Type::kNumber:
      return "float64";
    case Type::kBoolean:
      return "bool";
    case Type::kIntOrString:
      return "intstr.IntOrString";
    case Type::kArray:
      return "[]" + goTypeOf(*node.items);
    case Type::kObject:
      if (node.additionalProperties) return "map[string]" + goTypeOf(*node.additionalProperties);
      return shortName(node.definition);
    default:
      return "interface {}";
  }
}

class TypeChecker {
 public:
  void visit(const Node& node, json::Value& value, const ObjectPath& path, std::string_view owner) {
    if (value.is_null()) return;
    if (!node.builtin) return visitCustom(node, value, path);
    switch (node.type) {
      case Type::kObject:
        if (node.preserveUnknownFields) return;
        return value.is_object() ? visitFields(node, value.get_object(), path, owner)
                                 : mismatch(node, value, path, owner);
      case Type::kArray:
        return value.is_array() ? visitItems(node, value.get_array(), path, owner) : mismatch(node, value, path, owner);
      case Type::kString:
        return visitText(node, value, path, owner);
      case Type::kBoolean:
        if (!value.is_bool()) mismatch(node, value, path, owner);
        return;
      case Type::kNumber:
        if (!value.is_number()) mismatch(node, value, path, owner);
        return;
      case Type::kInteger:
        if (!toInteger(node, value)) mismatch(node, value, path, owner);
        return;
      case Type::kIntOrString:
        if (!value.is_string() && !toInteger(node, value)) mismatch(node, value, path, owner);
        return;
      case Type::kAny:
        return;
    }
  }

  std::vector<std::string> takeErrors() { return std::move(errors_); }

 private:
  // A custom kind's own fields are never refused here: its schema's rules say what is wrong with them.
  void visitCustom(const Node& node, json::Value& value, const ObjectPath& path) {
    if (json::Object* object = value.if_object()) {
      visitFields(node, *object, path, {});
    } else if (json::Array* array = value.if_array()) {
      if (node.items) visitItems(node, *array, path, {});
    } else if (node.type == Type::kInteger || node.type == Type::kIntOrString) {
      toInteger(node, value);
    }
  }

  void visitFields(const Node& node, json::Object& object, const ObjectPath& path, std::string_view owner) {
    if (!node.definition.empty()) owner = std::string_view(node.definition).substr(node.definition.rfind('.') + 1);
    for (auto& [key, value] : object) {
      if (const Node* property = node.property(key)) {
        visit(*property, value, path.field(key), owner);
      } else if (node.additionalProperties) {
        visit(*node.additionalProperties, value, path, owner);
      }
    }
  }

  void visitItems(const Node& node, json::Array& array, const ObjectPath& path, std::string_view owner) {
    for (size_t i = 0; i < array.size(); ++i) visit(*node.items, array[i], path.item(i), owner);
  }

  void visitText(const Node& node, json::Value& value, const ObjectPath& path, std::string_view owner) {
    if (node.isQuantity()) return visitQuantity(value);
    if (!value.is_string()) return mismatch(node, value, path, owner);
    if (node.format == "date-time") return visitTime(node, value);
    if (node.format == "byte") visitBytes(value);
  }

  // Quantities, times and bytes are kept in their canonical form, whichever one they were written in.
  void visitQuantity(json::Value& value) {
    std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    if (auto quantity = meta::Quantity::parse(text)) {
      value = quantity->text();
    } else {
      add("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    }
  }

  void visitTime(const Node& node, json::Value& value) {
    std::string text(value.get_string());
    if (auto time = meta::parseTime(text)) {
      value = node.isMicroTime() ? meta::formatMicroTime(*time) : meta::formatTime(*time);
    } else {
      std::string layout = node.isMicroTime() ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
      add("parsing time \"" + text + "\" as \"" + layout + "\": cannot parse \"" + text + "\" as \"2006\"");
    }
  }

  void visitBytes(json::Value& value) {
    std::string_view text = value.get_string();
    auto bytes = base::decodeBase64(text);
    if (!bytes) return add("illegal base64 data at input byte 0");
    if (text.find_first_of("\r\n") != std::string_view::npos) value = base::encodeBase64(*bytes);
  }

  // Makes 1.0 the integer 1; false for what is none, or does not fit.
  static bool toInteger(const Node& node, json::Value& value) {
    if (const double* number = value.if_double()) {
      if (std::trunc(*number) != *number || std::abs(*number) > 9007199254740992.0) return false;
      value = static_cast<int64_t>(*number);
    }
    if (value.is_uint64() && value.get_uint64() <= uint64_t{std::numeric_limits<int64_t>::max()}) {
      value = static_cast<int64_t>(value.get_uint64());
    }
    if (!value.is_int64()) return false;
    if (node.format != "int32" && node.type != Type::kIntOrString) return true;
    return value.get_int64() >= std::numeric_limits<int32_t>::min() &&
           value.get_int64() <= std::numeric_limits<int32_t>::max();
  }

  void mismatch(const Node& node, const json::Value& value, const ObjectPath& path, std::string_view owner) {
    std::string what(jsonTypeOf(value));
    if (value.is_number()) what += " " + json::serialize(value);
    add("json: cannot unmarshal " + what + " into Go struct field " + std::string(owner) + "." + path.fields() +
        " of type " + goTypeOf(node));
  }

  void add(std::string error) {
    if (errors_.size() < kMaxFindings) errors_.push_back(std::move(error));
  }

  std::vector<std::string> errors_;
};

}  // namespace

std::vector<std::string> checkTypes(const Node& schema, json::Value& object) {
  TypeChecker checker;
  checker.visit(schema, object, {}, {});
  return checker.takeErrors();
}

}  // namespace wherry::schema

// OpenAPI 2 as the message openapi.v2.Document of github.com/google/gnostic (openapiv2/OpenAPIv2.proto), which kubectl
// asks for. Each message is a table: which key of the JSON object is which field, and of what type.
#include <array>
#include <span>

#include "schema/openapi.h"
#include "schema/protobuf_writer.h"

namespace wherry::schema {
namespace {

using json::Value;

struct Field {
  std::string_view key;
  uint32_t number;
  void (*write)(ProtobufWriter& out, uint32_t number, const Value& value);
};

// Writes what the table knows, and all "x-..." keys as NamedAny under `extensions`.
void writeFields(ProtobufWriter& out, std::span<const Field> fields, uint32_t extensions, const Value& value);

void writeText(ProtobufWriter& out, uint32_t number, const Value& value) {
  if (value.is_string()) out.text(number, value.get_string());
}

void writeTexts(ProtobufWriter& out, uint32_t number, const Value& value) {
  for (const Value& each : value.as_array()) writeText(out, number, each);
}

void writeBoolean(ProtobufWriter& out, uint32_t number, const Value& value) {
  if (value.is_bool()) out.boolean(number, value.get_bool());
}

void writeInteger(ProtobufWriter& out, uint32_t number, const Value& value) {
  if (value.is_int64()) out.integer(number, value.get_int64());
}

void writeNumber(ProtobufWriter& out, uint32_t number, const Value& value) {
  if (value.is_number()) out.number(number, value.to_number<double>());
}

// Any: JSON is YAML.
void writeAny(ProtobufWriter& out, uint32_t number, const Value& value) {
  out.message(number, [&](ProtobufWriter& any) { any.text(2, json::serialize(value)); });
}

void writeAnys(ProtobufWriter& out, uint32_t number, const Value& value) {
  for (const Value& each : value.as_array()) writeAny(out, number, each);
}

// A map becomes repeated {name = 1, value = 2}.
template <typename F>
void writeNamed(ProtobufWriter& out, uint32_t number, const Value& map, F writeValue) {
  for (const auto& member : map.as_object()) {
    out.message(number, [&](ProtobufWriter& named) {
      named.text(1, member.key());
      named.message(2, [&](ProtobufWriter& value) { writeValue(value, member.value()); });
    });
  }
}

void writeSchemaFields(ProtobufWriter& out, const Value& schema);

void writeSchema(ProtobufWriter& out, uint32_t number, const Value& schema) {
  out.message(number, [&](ProtobufWriter& nested) { writeSchemaFields(nested, schema); });
}

void writeSchemas(ProtobufWriter& out, uint32_t number, const Value& schemas) {
  for (const Value& each : schemas.as_array()) writeSchema(out, number, each);
}

void writeSchemaMap(ProtobufWriter& out, uint32_t number, const Value& map) {
  out.message(number, [&](ProtobufWriter& nested) { writeNamed(nested, 1, map, writeSchemaFields); });
}

// TypeItem, ItemsItem and AdditionalPropertiesItem: one level of their own.
void writeType(ProtobufWriter& out, uint32_t number, const Value& type) {
  out.message(number, [&](ProtobufWriter& item) { writeText(item, 1, type); });
}
void writeItem(ProtobufWriter& out, uint32_t number, const Value& schema) {
  out.message(number, [&](ProtobufWriter& item) { writeSchema(item, 1, schema); });
}

constexpr Field kSchemaFields[] = {
    {"$ref", 1, writeText},
    {"format", 2, writeText},
    {"description", 4, writeText},
    {"default", 5, writeAny},
    {"multipleOf", 6, writeNumber},
    {"maximum", 7, writeNumber},
    {"exclusiveMaximum", 8, writeBoolean},
    {"minimum", 9, writeNumber},
    {"exclusiveMinimum", 10, writeBoolean},
    {"maxLength", 11, writeInteger},
    {"minLength", 12, writeInteger},
    {"pattern", 13, writeText},
    {"maxItems", 14, writeInteger},
    {"minItems", 15, writeInteger},
    {"uniqueItems", 16, writeBoolean},
    {"maxProperties", 17, writeInteger},
    {"minProperties", 18, writeInteger},
    {"required", 19, writeTexts},
    {"enum", 20, writeAnys},
    {"additionalProperties", 21, writeItem},
    {"type", 22, writeType},
    {"items", 23, writeItem},
    {"allOf", 24, writeSchemas},
    {"properties", 25, writeSchemaMap},
};

void writeSchemaFields(ProtobufWriter& out, const Value& schema) { writeFields(out, kSchemaFields, 31, schema); }

constexpr Field kBodyFields[] = {
    {"name", 2, writeText}, {"in", 3, writeText}, {"required", 4, writeBoolean}, {"schema", 5, writeSchema}};
constexpr Field kQueryFields[] = {{"required", 1, writeBoolean},
                                  {"in", 2, writeText},
                                  {"name", 4, writeText},
                                  {"type", 6, writeText},
                                  {"uniqueItems", 20, writeBoolean}};
constexpr Field kPathFields[] = {{"required", 1, writeBoolean},
                                 {"in", 2, writeText},
                                 {"name", 4, writeText},
                                 {"type", 5, writeText},
                                 {"uniqueItems", 19, writeBoolean}};

// Parameter: one of body_parameter and non_body_parameter, the latter again one of four.
void writeParameterFields(ProtobufWriter& out, const Value& parameter) {
  std::string_view in = json::getString(parameter, "in");
  if (in == "body") {
    out.message(1, [&](ProtobufWriter& body) { writeFields(body, kBodyFields, 6, parameter); });
    return;
  }
  bool isPath = in == "path";
  out.message(2, [&](ProtobufWriter& nonBody) {
    nonBody.message(isPath ? 4 : 3, [&](ProtobufWriter& fields) {
      if (isPath)
        writeFields(fields, kPathFields, 22, parameter);
      else
        writeFields(fields, kQueryFields, 23, parameter);
    });
  });
}

void writeParameters(ProtobufWriter& out, uint32_t number, const Value& parameters) {
  for (const Value& parameter : parameters.as_array()) {
    out.message(number, [&](ProtobufWriter& item) {
      item.message(1, [&](ProtobufWriter& nested) { writeParameterFields(nested, parameter); });
    });
  }
}

void writeSchemaItem(ProtobufWriter& out, uint32_t number, const Value& schema) {
  out.message(number, [&](ProtobufWriter& item) { writeSchema(item, 1, schema); });
}

constexpr Field kResponseFields[] = {{"description", 1, writeText}, {"schema", 2, writeSchemaItem}};

void writeResponses(ProtobufWriter& out, uint32_t number, const Value& responses) {
  out.message(number, [&](ProtobufWriter& codes) {
    writeNamed(codes, 1, responses, [](ProtobufWriter& value, const Value& response) {
      value.message(1, [&](ProtobufWriter& fields) { writeFields(fields, kResponseFields, 5, response); });
    });
  });
}

constexpr Field kOperationFields[] = {
    {"tags", 1, writeTexts},     {"operationId", 5, writeText},      {"produces", 6, writeTexts},
    {"consumes", 7, writeTexts}, {"parameters", 8, writeParameters}, {"responses", 9, writeResponses},
    {"schemes", 10, writeTexts},
};

void writeOperation(ProtobufWriter& out, uint32_t number, const Value& operation) {
  out.message(number, [&](ProtobufWriter& fields) { writeFields(fields, kOperationFields, 13, operation); });
}

constexpr Field kPathItemFields[] = {
    {"get", 2, writeOperation},    {"put", 3, writeOperation},   {"post", 4, writeOperation},
    {"delete", 5, writeOperation}, {"patch", 8, writeOperation}, {"parameters", 9, writeParameters},
};

void writePaths(ProtobufWriter& out, uint32_t number, const Value& paths) {
  out.message(number, [&](ProtobufWriter& nested) {
    writeNamed(nested, 2, paths,
               [](ProtobufWriter& value, const Value& item) { writeFields(value, kPathItemFields, 10, item); });
  });
}

constexpr Field kInfoFields[] = {{"title", 1, writeText}, {"version", 2, writeText}};
void writeInfo(ProtobufWriter& out, uint32_t number, const Value& info) {
  out.message(number, [&](ProtobufWriter& fields) { writeFields(fields, kInfoFields, 7, info); });
}

// SecurityRequirement: a map from a scheme to its scopes.
void writeSecurity(ProtobufWriter& out, uint32_t number, const Value& requirements) {
  for (const Value& requirement : requirements.as_array()) {
    out.message(number, [&](ProtobufWriter& nested) {
      writeNamed(nested, 1, requirement,
                 [](ProtobufWriter& value, const Value& scopes) { writeTexts(value, 1, scopes); });
    });
  }
}

constexpr Field kApiKeyFields[] = {{"type", 1, writeText}, {"name", 2, writeText}, {"in", 3, writeText}};
void writeSecurityDefinitions(ProtobufWriter& out, uint32_t number, const Value& definitions) {
  out.message(number, [&](ProtobufWriter& nested) {
    writeNamed(nested, 1, definitions, [](ProtobufWriter& value, const Value& apiKey) {
      value.message(2, [&](ProtobufWriter& fields) { writeFields(fields, kApiKeyFields, 5, apiKey); });
    });
  });
}

constexpr Field kDocumentFields[] = {
    {"swagger", 1, writeText},       {"info", 2, writeInfo},
    {"paths", 8, writePaths},        {"definitions", 9, writeSchemaMap},
    {"security", 12, writeSecurity}, {"securityDefinitions", 13, writeSecurityDefinitions},
};

void writeFields(ProtobufWriter& out, std::span<const Field> fields, uint32_t extensions, const Value& value) {
  for (const auto& member : value.as_object()) {
    std::string_view key = member.key();
    if (key.starts_with("x-")) {
      out.message(extensions, [&](ProtobufWriter& named) {
        named.text(1, key);
        writeAny(named, 2, member.value());
      });
      continue;
    }
    for (const Field& field : fields) {
      if (field.key == key) field.write(out, field.number, member.value());
    }
  }
}

}  // namespace

std::string openApiV2Protobuf(const json::Value& v2) {
  ProtobufWriter document;
  writeFields(document, kDocumentFields, 16, v2);
  return document.take();
}

}  // namespace wherry::schema

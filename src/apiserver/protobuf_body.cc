#include "apiserver/protobuf_body.h"

#include <cmath>
#include <cstring>
#include <map>

#include "apiserver/protobuf_fields.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "meta/gvk.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

using namespace std::string_view_literals;

constexpr auto kMagic = "k8s\0"sv;
constexpr int kMaxDepth = 64;
constexpr size_t kMaxJsonDepth = 500;  // with what is around it, still less than a JSON body may have

// One field as it stands on the wire (protobuf's encoding): a number, or bytes.
struct WireField {
  uint32_t number = 0;
  uint32_t wireType = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

class WireReader {
 public:
  explicit WireReader(std::string_view data) : data_(data) {}

  bool atEnd() const { return data_.empty(); }

  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !data_.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(data_.front());
      data_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return std::nullopt;
  }

  std::optional<WireField> next() {
    auto tag = varint();
    if (!tag) return std::nullopt;
    WireField field;
    field.number = static_cast<uint32_t>(*tag >> 3);
    field.wireType = static_cast<uint32_t>(*tag & 7);
    bool read = field.wireType == 0 ? readVarint(field) : readBytes(field);
    return read ? std::optional(field) : std::nullopt;
  }

 private:
  bool readVarint(WireField& field) {
    auto value = varint();
    if (value) field.value = *value;
    return value.has_value();
  }

  bool readBytes(WireField& field) {
    auto size = sizeOf(field.wireType);
    if (!size || *size > data_.size()) return false;
    field.bytes = data_.substr(0, *size);
    data_.remove_prefix(*size);
    return true;
  }

  std::optional<uint64_t> sizeOf(uint32_t wireType) {
    if (wireType == 1) return 8;
    if (wireType == 5) return 4;
    return wireType == 2 ? varint() : std::nullopt;
  }

  std::string_view data_;
};

// The fields of a small message by their numbers; nothing when it is broken.
std::optional<std::map<uint32_t, WireField>> readSmall(std::string_view bytes) {
  std::map<uint32_t, WireField> fields;
  for (WireReader reader(bytes); !reader.atEnd();) {
    auto field = reader.next();
    if (!field) return std::nullopt;
    fields[field->number] = *field;
  }
  return fields;
}

// What stands in a JSON tree as text is UTF-8; proto3 says so too.
std::optional<json::Value> decodeText(std::string_view bytes) {
  return base::toUtf8(bytes) == bytes ? std::optional<json::Value>(bytes) : std::nullopt;
}

// Nothing when the clock's 64 bits of nanoseconds don't hold it, as for times that are written as texts.
std::optional<base::WallTime> wallTime(std::map<uint32_t, WireField>& fields) {
  constexpr int64_t kMostSeconds = 9'000'000'000;  // to the year 2255, and as far back
  auto seconds = static_cast<int64_t>(fields[1].value);
  if (seconds > kMostSeconds || seconds < -kMostSeconds) return std::nullopt;
  return base::WallTime(std::chrono::seconds(seconds) +
                        std::chrono::nanoseconds(static_cast<int32_t>(fields[2].value)));
}

std::optional<json::Value> decodeTime(std::string_view type, std::map<uint32_t, WireField>& fields) {
  auto time = wallTime(fields);
  if (!time) return std::nullopt;
  return json::Value(type == "@time" ? meta::formatTime(*time) : meta::formatMicroTime(*time));
}

// Messages that are one value in JSON. Null: there is none.
std::optional<json::Value> decodeSpecial(std::string_view type, std::string_view bytes) {
  auto fields = readSmall(bytes);
  if (!fields) return std::nullopt;
  auto& f = *fields;
  if (type == "@quantity") return decodeText(f[1].bytes);
  if (type == "@duration") return json::Value(std::to_string(static_cast<int64_t>(f[1].value)) + "ns");
  if (type == "@intorstring") {
    return f[1].value == 1 ? decodeText(f[3].bytes) : json::Value(static_cast<int64_t>(f[2].value));
  }
  if (bytes.empty()) return json::Value(nullptr);
  if (type == "@time" || type == "@microtime") return decodeTime(type, f);
  try {
    return json::parse(f[1].bytes, {.maxDepth = kMaxJsonDepth});  // @json
  } catch (const json::ParseError&) {
    return std::nullopt;
  }
}

class Decoder {
 public:
  bool decodeMessage(std::string_view type, std::string_view bytes, json::Object& out, int depth) {
    const auto* message = findMessage(type);
    if (!message || depth > kMaxDepth) return false;
    for (WireReader reader(bytes); !reader.atEnd();) {
      auto wire = reader.next();
      if (!wire) return false;
      const auto* field = findField(*message, wire->number);
      if (field && !decodeField(*field, *wire, out, depth)) return false;
    }
    return true;
  }

 private:
  const ProtobufMessage* findMessage(std::string_view type) {
    auto found = messages_.find(type);
    if (found == messages_.end()) {
      auto message = findProtobufMessage(type);
      if (!message) return nullptr;
      found = messages_.emplace(std::string(type), std::move(*message)).first;
    }
    return &found->second;
  }

  static const ProtobufField* findField(const ProtobufMessage& message, uint32_t number) {
    for (const auto& field : message) {
      if (field.number == number) return &field;
    }
    return nullptr;
  }

  bool decodeField(const ProtobufField& field, const WireField& wire, json::Object& out, int depth) {
    if (field.name.empty()) return decodeMessage(field.type, wire.bytes, out, depth + 1);
    if (field.shape == ProtobufField::Shape::kMap) return decodeEntry(field, wire.bytes, out, depth);
    if (field.shape == ProtobufField::Shape::kList) return decodeElement(field, wire, out, depth);
    auto value = decodeValue(field.type, wire, depth);
    if (!value) return false;
    if (field.keepsZero || !isZero(*value)) out[field.name] = std::move(*value);
    return true;
  }

  // Go writes fields that nobody set as zeros; in JSON they are not there.
  static bool isZero(const json::Value& value) {
    if (value.is_string()) return value.get_string().empty();
    if (value.is_int64()) return value.get_int64() == 0;
    if (value.is_bool()) return !value.get_bool();
    return value.is_null();
  }

  bool decodeElement(const ProtobufField& field, const WireField& wire, json::Object& out, int depth) {
    auto& list = json::ensureArray(out, field.name);
    bool packed = wire.wireType == 2 && (field.type == "i" || field.type == "b");
    if (!packed) {
      auto value = decodeValue(field.type, wire, depth);
      if (value) list.push_back(std::move(*value));
      return value.has_value();
    }
    for (WireReader reader(wire.bytes); !reader.atEnd();) {
      auto number = reader.varint();
      if (!number) return false;
      list.emplace_back(static_cast<int64_t>(*number));
    }
    return true;
  }

  bool decodeEntry(const ProtobufField& field, std::string_view bytes, json::Object& out, int depth) {
    auto entry = readSmall(bytes);
    if (!entry) return false;
    auto key = decodeText((*entry)[1].bytes);
    auto value = key ? decodeValue(field.type, (*entry)[2], depth) : std::nullopt;
    if (value) json::ensureObject(out, field.name)[key->get_string()] = std::move(*value);
    return value.has_value();
  }

  std::optional<json::Value> decodeValue(std::string_view type, const WireField& wire, int depth) {
    if (type == "s") return decodeText(wire.bytes);
    if (type == "i") return json::Value(static_cast<int64_t>(wire.value));
    if (type == "b") return json::Value(wire.value != 0);
    if (type == "y") return json::Value(base::encodeBase64(wire.bytes));
    if (type == "d") return decodeDouble(wire.bytes);
    if (type == "@items") return decodeItems(wire.bytes);
    if (type.front() == '@') return decodeSpecial(type, wire.bytes);
    json::Object object;
    if (!decodeMessage(type, wire.bytes, object, depth + 1)) return std::nullopt;
    return json::Value(std::move(object));
  }

  static std::optional<json::Value> decodeDouble(std::string_view bytes) {
    double number = 0;
    if (bytes.size() != sizeof number) return std::nullopt;
    std::memcpy(&number, bytes.data(), sizeof number);
    if (!std::isfinite(number)) return std::nullopt;  // JSON has no such number
    return json::Value(number);
  }

  static std::optional<json::Value> decodeItems(std::string_view bytes) {
    json::Array items;
    for (WireReader reader(bytes); !reader.atEnd();) {
      auto field = reader.next();
      if (!field) return std::nullopt;
      if (field->number != 1) continue;
      auto text = decodeText(field->bytes);
      if (!text) return std::nullopt;
      items.push_back(std::move(*text));
    }
    return json::Value(std::move(items));
  }

  std::map<std::string, ProtobufMessage, std::less<>> messages_;
};

// "core.v1.Pod" of v1 Pod, "rbac.v1.Role" of rbac.authorization.k8s.io/v1 Role.
std::string messageName(std::string_view apiVersion, std::string_view kind) {
  if (kind == "DeleteOptions") return "meta.v1.DeleteOptions";
  auto groupVersion = meta::GroupVersion::parse(apiVersion);
  auto group = groupVersion.group.substr(0, groupVersion.group.find('.'));
  return (group.empty() ? "core" : group) + "." + groupVersion.version + "." + std::string(kind);
}

}  // namespace

// The envelope is apimachinery's runtime.Unknown: 1 typeMeta (1 apiVersion, 2 kind), 2 the message itself.
std::optional<json::Value> decodeProtobufBody(std::string_view body) {
  if (!body.starts_with(kMagic)) return std::nullopt;
  auto envelope = readSmall(body.substr(kMagic.size()));
  auto typeMeta = envelope ? readSmall((*envelope)[1].bytes) : std::nullopt;
  if (!typeMeta) return std::nullopt;
  auto apiVersion = (*typeMeta)[1].bytes;
  auto kind = (*typeMeta)[2].bytes;
  if (!decodeText(apiVersion) || !decodeText(kind)) return std::nullopt;
  json::Object object{{"apiVersion", apiVersion}, {"kind", kind}};
  Decoder decoder;
  if (!decoder.decodeMessage(messageName(apiVersion, kind), (*envelope)[2].bytes, object, 0)) return std::nullopt;
  return json::Value(std::move(object));
}

}  // namespace wherry::apiserver

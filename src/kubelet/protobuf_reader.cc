#include "kubelet/protobuf_reader.h"

namespace wherry::kubelet {
namespace {

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::optional<uint64_t> takeVarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> takeBytes(std::string_view& bytes, uint64_t size) {
  if (size > bytes.size()) return std::nullopt;
  std::string_view out = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return out;
}

}  // namespace

std::optional<ProtobufField> takeProtobufField(std::string_view& message) {
  auto key = takeVarint(message);
  if (!key || *key >> 3 == 0) return std::nullopt;
  ProtobufField out{{.field = *key >> 3, .number = 0, .bytes = {}}, *key & 7};
  std::optional<std::string_view> bytes = std::string_view();
  if (out.wireType == kVarint || out.wireType == kBytes) {
    auto number = takeVarint(message);
    if (!number) return std::nullopt;
    if (out.wireType == kVarint)
      out.value.number = *number;
    else
      bytes = takeBytes(message, *number);
  } else if (out.wireType == kFixed64 || out.wireType == kFixed32) {
    bytes = takeBytes(message, out.wireType == kFixed64 ? 8 : 4);
  } else {
    return std::nullopt;
  }
  if (!bytes) return std::nullopt;
  out.value.bytes = *bytes;
  return out;
}

std::optional<std::pair<std::string, std::string>> readProtobufEntry(std::string_view message) {
  std::pair<std::string, std::string> out;
  bool good = readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1) out.first = value.bytes;
    if (value.field == 2) out.second = value.bytes;
  });
  return good ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace wherry::kubelet

// Reads protocol buffer messages (proto3 wire format) that another program sent: nothing in them is trusted. Pure.
//
//   std::string name;
//   bool good = readProtobuf(bytes, [&](const ProtobufValue& value) {
//     if (value.field == 1) name = value.bytes;
//   });
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::kubelet {

struct ProtobufValue {
  uint64_t field = 0;
  uint64_t number = 0;     // of a varint
  std::string_view bytes;  // of what has a length: text, a nested message
};

// Calls `take` for each field in its order; fields of other wire types are passed over. False when the message is cut
// off or is none.
template <typename F>
bool readProtobuf(std::string_view message, F take);

// An entry of a map<string, string>, a nested message of key and value. Nothing when it is none.
std::optional<std::pair<std::string, std::string>> readProtobufEntry(std::string_view message);

// The next field, taken off the front; nothing when there is none, or none that is whole.
struct ProtobufField {
  ProtobufValue value;
  uint64_t wireType = 0;
};
std::optional<ProtobufField> takeProtobufField(std::string_view& message);

template <typename F>
bool readProtobuf(std::string_view message, F take) {
  while (!message.empty()) {
    auto field = takeProtobufField(message);
    if (!field) return false;
    if (field->wireType == 0 || field->wireType == 2) take(field->value);
  }
  return true;
}

}  // namespace wherry::kubelet

// The fields of Kubernetes' protobuf messages, as api/protobuf.txt says. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::apiserver {

struct ProtobufField {
  enum class Shape { kOne, kList, kMap };
  uint32_t number = 0;
  std::string name;  // "" when the fields of its message stand in the message around it
  std::string type;  // "s", "i", "b", "d", "y", "@time", ... or a message's name
  Shape shape = Shape::kOne;
  bool keepsZero = false;
};
using ProtobufMessage = std::vector<ProtobufField>;

// "core.v1.Pod"; nothing when there is no such message.
std::optional<ProtobufMessage> findProtobufMessage(std::string_view name);

// The embedded file.
std::string_view protobufFieldsText();

}  // namespace wherry::apiserver

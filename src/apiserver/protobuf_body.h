// Request bodies in Kubernetes' protobuf form (application/vnd.kubernetes.protobuf), which newer kubectls send when
// they create built-in kinds: read into the same trees as JSON bodies. Answers are JSON; clients name it as their
// second choice. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "json/value.h"

namespace wherry::apiserver {

inline constexpr std::string_view kProtobufMediaType = "application/vnd.kubernetes.protobuf";

// Nothing when the bytes are no such body: a broken encoding, or a kind that has no protobuf form. Fields that are not
// known are left out.
std::optional<json::Value> decodeProtobufBody(std::string_view body);

}  // namespace wherry::apiserver

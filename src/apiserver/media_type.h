// Content negotiation: what a client wants to read (Accept) and what it sent (Content-Type). Pure.
//
// Objects come as JSON or YAML; Tables and PartialObjectMetadata are asked for by parameters of application/json
// (`;as=Table;g=meta.k8s.io;v=v1`). Protobuf is not spoken: clients that prefer it name JSON as their second choice.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::apiserver {

enum class Format { kJson, kYaml };
enum class Shape { kObject, kTable, kPartialMetadata };

struct Representation {
  Format format = Format::kJson;
  Shape shape = Shape::kObject;
  std::string shapeVersion = "v1";  // of meta.k8s.io: "v1" or "v1beta1"
  bool pretty = false;

  std::string_view contentType() const;
};

// One media range of an Accept header, the parameters in lower case names.
struct MediaRange {
  std::string type;  // "application/json"
  std::vector<std::pair<std::string, std::string>> parameters;

  std::string_view parameter(std::string_view name) const;
};

// Best first: by q, then as written. RFC 9110 section 12.5.1.
std::vector<MediaRange> parseAccept(std::string_view accept);

// The first range of `accept` that can be served; nothing: 406.
std::optional<Representation> negotiate(std::string_view accept);

// JSON or YAML by Content-Type ("" is JSON); nothing for another type: 415.
std::optional<Format> bodyFormat(std::string_view contentType);

// "application/json" of "application/json; charset=utf-8", in lower case.
std::string mediaTypeOf(std::string_view contentType);

}  // namespace wherry::apiserver

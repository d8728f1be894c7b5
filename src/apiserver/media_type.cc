#include "apiserver/media_type.h"

#include <algorithm>
#include <cstdlib>

#include "base/strings.h"

namespace wherry::apiserver {
namespace {

struct Weighted {
  MediaRange range;
  double q = 1;
};

Weighted parseRange(std::string_view text) {
  Weighted weighted;
  bool first = true;
  for (auto piece : base::split(text, ';')) {
    piece = base::trim(piece);
    if (first) {
      weighted.range.type = base::toLower(piece);
      first = false;
    } else if (auto pair = base::splitOnce(piece, '=')) {
      auto name = base::toLower(base::trim(pair->first));
      auto value = std::string(base::trim(pair->second));
      if (name == "q") {
        weighted.q = std::strtod(value.c_str(), nullptr);
      } else {
        weighted.range.parameters.emplace_back(std::move(name), std::move(value));
      }
    }
  }
  return weighted;
}

std::optional<Shape> shapeOf(const MediaRange& range) {
  auto as = range.parameter("as");
  if (as.empty()) return Shape::kObject;
  auto version = range.parameter("v");
  if (range.parameter("g") != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) return std::nullopt;
  if (as == "Table") return Shape::kTable;
  if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") return Shape::kPartialMetadata;
  return std::nullopt;
}

std::optional<Format> formatOf(const std::string& type) {
  if (type == "application/json" || type == "*/*" || type == "application/*") return Format::kJson;
  if (type == "application/yaml") return Format::kYaml;
  return std::nullopt;
}

}  // namespace

std::string_view Representation::contentType() const {
  return format == Format::kYaml ? "application/yaml" : "application/json";
}

std::string_view MediaRange::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::vector<MediaRange> parseAccept(std::string_view accept) {
  std::vector<Weighted> weighted;
  for (auto piece : base::split(accept, ',')) {
    if (!base::trim(piece).empty()) weighted.push_back(parseRange(piece));
  }
  std::stable_sort(weighted.begin(), weighted.end(), [](const auto& a, const auto& b) { return a.q > b.q; });
  std::vector<MediaRange> ranges;
  for (auto& each : weighted) {
    if (each.q > 0) ranges.push_back(std::move(each.range));
  }
  return ranges;
}

std::optional<Representation> negotiate(std::string_view accept) {
  if (accept.empty() || accept == "application/json" || accept == "*/*") return Representation{};
  for (const auto& range : parseAccept(accept)) {
    auto format = formatOf(range.type);
    auto shape = shapeOf(range);
    if (!format || !shape) continue;
    Representation representation{*format, *shape, "v1", false};
    if (*shape != Shape::kObject) representation.shapeVersion = range.parameter("v");
    return representation;
  }
  return std::nullopt;
}

std::string mediaTypeOf(std::string_view contentType) {
  return base::toLower(base::trim(contentType.substr(0, contentType.find(';'))));
}

std::optional<Format> bodyFormat(std::string_view contentType) {
  if (contentType.empty() || contentType == "application/json") return Format::kJson;
  auto type = mediaTypeOf(contentType);
  if (type == "application/json") return Format::kJson;
  if (type == "application/yaml") return Format::kYaml;
  return std::nullopt;
}

}  // namespace wherry::apiserver

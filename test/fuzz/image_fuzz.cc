// libFuzzer: image names, and the JSON documents of an image as any registry may send them. A name's full text is read
// as the same name; no digest that becomes a path has anything but hex digits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kubelet/images/image.h"
#include "kubelet/images/reference.h"

namespace json = wherry::json;
namespace kubelet = wherry::kubelet;

namespace {

void readName(std::string_view text) {
  auto name = kubelet::ImageReference::parse(text);
  if (!name) return;
  auto again = kubelet::ImageReference::parse(name->text());
  if (!again || again->text() != name->text()) std::abort();
  if (name->text().find("..") != std::string::npos && name->registry.find("..") == std::string::npos &&
      name->tag.find("..") == std::string::npos) {
    std::abort();
  }
}

void readDocument(const json::Value& document) {
  if (kubelet::manifestBytes(document) < 0) std::abort();
  (void)kubelet::findManifest(document, "amd64");
  kubelet::Image image{.config = kubelet::parseImageConfig(document)};
  image.diffIds = kubelet::parseDiffIds(document);
  try {
    kubelet::readManifest(document, image);
    for (const auto& layer : image.layers) {
      if (kubelet::digestHex(layer).find_first_not_of("0123456789abcdef") != std::string::npos) std::abort();
    }
    kubelet::checkDiffIds(image);
  } catch (const std::runtime_error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  readName(text);
  try {
    readDocument(json::parse(text));
  } catch (const json::ParseError&) {
  }
  return 0;
}

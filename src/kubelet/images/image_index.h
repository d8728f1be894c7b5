// index.json of the image store: names of images, and where they came from. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/images/image.h"

namespace wherry::kubelet {

using ImagesByName = std::map<std::string, Image>;

std::string renderImageIndex(const ImagesByName& images);

struct IndexEntry {
  Descriptor descriptor;
  Image image;  // what the entry itself says: name, source, sourceDigest, logins
};
// Throws std::runtime_error when it is not an OCI index.
std::vector<IndexEntry> parseImageIndex(std::string_view text);

}  // namespace wherry::kubelet

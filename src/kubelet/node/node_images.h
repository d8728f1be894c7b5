// The images that a Node's status shows. Pure.
#pragma once

#include <vector>

#include "json/value.h"
#include "kubelet/images/image.h"

namespace wherry::kubelet {

// status.images: the largest first, 50 at most, names of one image together, as upstream shows them.
json::Array renderNodeImages(const std::vector<Image>& images);

}  // namespace wherry::kubelet

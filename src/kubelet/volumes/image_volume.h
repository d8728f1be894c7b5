// Image volumes: what an image holds, as a volume that nobody can change (KEP-4639).
#pragma once

#include <string>
#include <vector>

namespace wherry::kubelet {

bool isImageMounted(const std::string& target);

// `lower`: the image's unpacked layers, the uppermost first; they stay as long as the mount does. `target` is made.
// Throws std::system_error.
void mountImage(std::vector<std::string> lower, const std::string& target);

}  // namespace wherry::kubelet

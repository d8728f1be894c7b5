// Unpacks image layers. A layer is a tar archive from anywhere: whatever it says, nothing outside the target directory
// is touched. Safe from any thread (for different targets).
#pragma once

#include <cstdint>
#include <string>

namespace wherry::kubelet {

struct LayerLimits {
  uint64_t maxBytes = 32ULL << 30;  // of all files, unpacked
  uint64_t maxEntries = 2'000'000;
  std::string aboveBytes = "layer is too large when unpacked";  // what is said above maxBytes
};

// Unpacks the layer in `blob` (tar; plain, gzip or zstd) into `directory`, which exists, as a lower layer of overlayfs:
// a whiteout (".wh.x") becomes a character device 0:0, an opaque directory gets trusted.overlay.opaque (OCI image-spec
// layer.md; kernel Documentation/filesystems/overlayfs). Device nodes are left out: no container could open them. Of
// two entries of one name the later counts. Needs root. Throws std::runtime_error for an archive that is broken, climbs
// out by "..", or is above the limits. Answers the layer's diff_id, "sha256:..." of the tar without compression (OCI
// image-spec config.md).
std::string unpackLayer(const std::string& blob, const std::string& directory, const LayerLimits& limits = {});

}  // namespace wherry::kubelet

// LayerStore: image layers unpacked once each, under the hex digits of their digest, shared by all containers. A layer
// that is there is whole. Safe from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "kubelet/images/image.h"

namespace wherry::kubelet {

class LayerStore {
 public:
  // Makes the directory, and clears what an interrupted unpack left in it.
  explicit LayerStore(std::string directory);

  std::string path(std::string_view digest) const;
  // Unpacks what is missing of the image's layers, from the blob that `blobPath` names for a digest; one layer at a
  // time. Throws std::runtime_error for a layer that is broken, too large, also for the disk, or not what the image's
  // config says (its diff_id), std::system_error from the disk. Nothing is left of a layer that could not be unpacked.
  void ensure(const Image& image, const std::function<std::string(std::string_view digest)>& blobPath);

  // While the result lives these aren't collected: held by who unpacks them for an image that is not in the index yet.
  std::shared_ptr<void> pin(const std::vector<std::string>& digests);
  // Deletes the layers that are neither in `needed` (hex digits), nor pinned, nor part of a mounted overlay. False when
  // a mount kept any: it is worth another call once a container has gone.
  bool collect(const std::set<std::string>& needed);

 private:
  // `diffId` is what the layer must be; "": nobody says.
  void unpack(const std::string& blob, const std::string& target, const std::string& diffId) const;

  std::string directory_;
  std::mutex unpacking_;  // one layer at a time; none while layers are deleted
  base::Guarded<std::map<std::string, int>> pins_;
};

}  // namespace wherry::kubelet

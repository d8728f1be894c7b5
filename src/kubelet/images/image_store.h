// ImageStore: the images of this node. On disk it is an OCI image layout (image-spec image-layout.md) under
// <dataDir>/images, whose index.json maps names to manifests, and the layers unpacked once each under <dataDir>/layers,
// shared by digest. A name is in the index only after all it needs is durable; index.json itself is synced.
//
// Safe from any thread. Names are taken in any spelling ("nginx"). Failures are std::runtime_error or
// std::system_error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/images/image.h"

namespace wherry::kubelet {

class ImageStore {
 public:
  // Opens or makes the store and clears away what an interrupted import left.
  explicit ImageStore(const std::string& dataDir);
  ~ImageStore();
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  std::vector<Image> list() const;  // by name
  std::optional<Image> find(std::string_view name) const;

  // Reads an OCI archive (as `skopeo copy ... oci-archive:` makes it) or a Docker archive (`docker save`; this one by
  // skopeo) and returns the images it named. `name` overrides the name of the only image. The archive may come from
  // anywhere: only blobs whose content matches their digest are taken.
  std::vector<Image> importArchive(const std::string& file, std::string_view name = {});

  // Takes in an OCI layout with one image whose blobs are already in blobDirectory().
  Image adoptLayout(const std::string& directory, std::string_view name, ImageSource source, std::string sourceDigest);
  std::string blobDirectory() const;
  std::string newScratchDirectory() const;  // below the store, cleared at the next start
  // While it lives, no blob is collected as garbage: held by whoever brings in an image until its name is in the index.
  std::shared_ptr<void> pinBlobs();

  // The unpacked layers, the uppermost first, as overlayfs wants them; unpacks what is missing.
  std::vector<std::string> lowerDirectories(const Image& image);

  // Forgets the name; blobs and layers that no other image has and no overlay uses are deleted (unless a pin lives:
  // then with the next removal). False: no such name.
  bool remove(std::string_view name);

 private:
  std::vector<Image> importDocker(const std::string& file, std::string_view name);
  std::vector<Image> importOci(const std::string& file, std::string_view name);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

// ImageStore: the images of this node. On disk it is an OCI image layout (image-spec image-layout.md) under
// <dataDir>/images, whose index.json maps names to manifests, and the layers unpacked once each under <dataDir>/layers,
// shared by digest. A name is in the index only after all it needs is durable; index.json itself is synced. What is
// brought in lies in a Staging until then, so that a failure, a full disk or a kill -9 leaves nothing.
//
// Safe from any thread. Names are taken in any spelling ("nginx"). Failures are std::runtime_error or
// std::system_error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "kubelet/images/image.h"
#include "kubelet/images/staging.h"

namespace wherry::kubelet {

class ImageStore {
 public:
  // Opens or makes the store and clears away what an interrupted import left.
  explicit ImageStore(const std::string& dataDir, const base::Clock& clock = base::Clock::system());
  ~ImageStore();
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  std::vector<Image> list() const;  // by name
  std::optional<Image> find(std::string_view name) const;

  // Reads an OCI archive (as `skopeo copy ... oci-archive:` makes it) or a Docker archive (`docker save`; this one by
  // skopeo) and returns the images it named. `name` overrides the name of the only image. The archive may come from
  // anywhere: only blobs whose content matches their digest are taken.
  std::vector<Image> importArchive(const std::string& file, std::string_view name = {});

  std::unique_ptr<Staging> newStaging() const;
  bool hasBlob(std::string_view digest) const;
  std::string newScratchDirectory() const;  // below the store, cleared at the next start
  // Takes in the image whose OCI layout and blobs are in `staging`. `login` is the hash of the pod's login that it was
  // pulled by, "" for none.
  Image adopt(const Staging& staging, std::string_view name, ImageSource source, std::string sourceDigest,
              const std::string& login = {});
  // The registry has given the image to somebody with this login ("": to anybody) as well.
  void allow(std::string_view name, const std::string& login);

  // The unpacked layers, the uppermost first, as overlayfs wants them; unpacks what is missing. Counts as a use.
  std::vector<std::string> lowerDirectories(const Image& image);
  // When the image was last used, as far as this process knows: at its start all are new.
  base::WallTime lastUsed(const std::string& name) const;
  void noteUse(const std::string& name);

  // Forgets the name; blobs and layers that no other image has and no overlay uses are deleted. False: no such name.
  bool remove(std::string_view name);
  // Deletes the layers of removed images that containers still used when they were removed, if there are any.
  void collectLeftLayers();

  // Called after every change of list(), on the thread that made it. To be set once, before others use the store.
  void onChange(std::function<void()> handler);
  const std::string& directory() const;  // on the disk that images fill

 private:
  std::vector<Image> importDocker(const std::string& file, std::string_view name);
  std::vector<Image> importOci(const std::string& file, std::string_view name);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

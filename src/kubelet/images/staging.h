// Staging: where an image is brought together before it is the store's: its own scratch directory, in which the store's
// blobs are already there (hard links), so that what the node has is not fetched again. All that came is gone with it;
// after a kill -9 the store's next start clears it. Used by one thread; arrivedBytes() may be asked by others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wherry::kubelet {

class Staging {
 public:
  // Makes `directory`. Throws std::system_error.
  Staging(std::string directory, const std::string& storeBlobs);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  std::string layout() const { return directory_ + "/layout"; }        // for an OCI layout without blobs
  std::string sharedBlobs() const { return directory_ + "/blobs"; }    // skopeo's --dest-shared-blob-dir
  std::string blobs() const { return directory_ + "/blobs/sha256"; }   // files named by their hex digits
  std::string temporary() const { return directory_ + "/temporary"; }  // for whatever
  std::string blobPath(std::string_view digest) const;                 // throws std::runtime_error when it is none

  // Bytes on disk that were not the store's before.
  uint64_t arrivedBytes() const;

 private:
  std::string directory_;
};

}  // namespace wherry::kubelet

#include "kubelet/images/staging.h"

#include <cerrno>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/images/image.h"

namespace wherry::kubelet {

namespace fs = std::filesystem;

Staging::Staging(std::string directory, const std::string& storeBlobs) : directory_(std::move(directory)) {
  base::makeDirectories(directory_, 0700);
  for (const std::string& part : {layout(), blobs(), temporary()}) base::makeDirectories(part, 0700);
  for (const auto& entry : fs::directory_iterator(storeBlobs)) {
    std::string link = blobs() + "/" + entry.path().filename().string();
    bool linked = ::link(entry.path().c_str(), link.c_str()) == 0 || errno == ENOENT;  // ENOENT: it was just collected
    if (!linked) base::throwErrno("link " + link);
  }
}

Staging::~Staging() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string Staging::blobPath(std::string_view digest) const { return blobs() + "/" + digestHex(digest); }

uint64_t Staging::arrivedBytes() const {
  uint64_t bytes = 0;
  std::error_code error;
  for (const std::string& part : {layout(), blobs(), temporary()}) {
    for (const auto& entry : fs::directory_iterator(part, error)) {
      struct stat status {};
      bool own = ::lstat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
      if (own) bytes += static_cast<uint64_t>(status.st_size);
    }
  }
  return bytes;
}

}  // namespace wherry::kubelet

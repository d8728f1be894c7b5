// libFuzzer: image layers, unpacked as root below a directory. Whatever the archive says, what lies beside that
// directory stays as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"
#include "kubelet/images/layer.h"

namespace base = wherry::base;
namespace fs = std::filesystem;

namespace {

// scratch/out, where the layer goes, and scratch/beside, a file of somebody else's.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("wherry-layer-fuzz-" + base::randomSuffix(8))) {
    fs::create_directory(path_);
    base::Fd file(::open((path_ / "beside").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
    base::writeAll(file.get(), "mine", "beside");
  }
  ~Scratch() { fs::remove_all(path_); }

  std::string renewed() const {
    fs::remove_all(path_ / "out");
    fs::create_directory(path_ / "out");
    return path_ / "out";
  }
  bool untouched() const {
    struct stat status {};
    bool same = ::lstat((path_ / "beside").c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                (status.st_mode & 07777) == 0640 && status.st_nlink == 1 && status.st_uid == ::geteuid();
    auto entries = std::distance(fs::directory_iterator(path_), fs::directory_iterator());
    return same && entries == 2 && base::readFile(path_ / "beside") == "mine";
  }

 private:
  fs::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch kScratch;
  std::string directory = kScratch.renewed();
  base::Fd blob(::memfd_create("layer", MFD_CLOEXEC));
  base::writeAll(blob.get(), {reinterpret_cast<const char*>(data), size}, "layer");
  try {
    wherry::kubelet::unpackLayer("/proc/self/fd/" + std::to_string(blob.get()), directory,
                                 {.maxBytes = 1 << 20, .maxEntries = 100});
  } catch (const std::runtime_error&) {
  }
  if (!kScratch.untouched()) std::abort();
  return 0;
}

// Image garbage collection: when the disk gets full, images that no container uses go, the longest unused first. By
// upstream's rules: above 85 % of the disk in use, down to 80 %, never what came within the last 2 minutes. Images that
// were imported by hand stay: no registry gives them again.
//
// Nothing polls: check() is called when something came onto the disk (a pull, an import) or a container went; while the
// disk is too full and only too young images are there, the one timer waits for the youngest to come of age.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "kubelet/images/disk_space.h"
#include "kubelet/images/image_store.h"

namespace wherry::kubelet {

// The pure half. One image, as far as it matters here.
struct ImageUse {
  std::string name;
  std::string imageId;  // names of the same image are of use together
  int64_t size = 0;     // bytes, at most, that go with it
  bool inUse = false;
  bool imported = false;
  base::WallTime lastUsed;
};

struct GarbageDecision {
  std::vector<std::string> remove;      // in this order, until `bytes` are free
  std::optional<base::WallTime> again;  // when more may be had
  uint64_t bytes = 0;                   // that the names in `remove` free, at most
};

constexpr int kHighThreshold = 85;  // percent
constexpr int kLowThreshold = 80;
constexpr std::chrono::minutes kMinimumAge{2};

// How much is to be freed now; 0 when the disk isn't that full.
uint64_t bytesToFree(const DiskSpace& disk);
GarbageDecision decideGarbage(std::vector<ImageUse> images, uint64_t bytes, base::WallTime now);

// The thin half. Safe from any thread.
class ImageGarbage {
 public:
  // What containers use: image ids and names, as their records have them.
  using InUse = std::function<std::set<std::string>()>;
  // Is told when not enough could be freed: upstream's words for an event about the node.
  using Report = std::function<void(const std::string& message)>;

  ImageGarbage(ImageStore& store, InUse inUse, Report report, const base::Clock& clock = base::Clock::system());
  ~ImageGarbage();

  void check();  // soon, on a thread of its own
  // Now: frees so many bytes, or what it can.
  void makeRoom(uint64_t bytes);
  // Now: all that no container uses, also the young ones; with kAll the imported ones too. The removed names.
  enum class Prune { kPulled, kAll };
  std::vector<std::string> prune(Prune what);
  // Whether a container uses it.
  bool inUse(const Image& image) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

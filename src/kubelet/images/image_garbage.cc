#include "kubelet/images/image_garbage.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "base/log.h"
#include "kubelet/images/reference.h"

namespace wherry::kubelet {
namespace {

const base::Log kLog("images");

}  // namespace

uint64_t bytesToFree(const DiskSpace& disk) {
  if (disk.usedPercent() < kHighThreshold) return 0;
  uint64_t wanted = disk.capacity / 100 * (100 - kLowThreshold);
  return wanted > disk.available ? wanted - disk.available : 0;
}

GarbageDecision decideGarbage(std::vector<ImageUse> images, uint64_t bytes, base::WallTime now) {
  std::erase_if(images, [](const ImageUse& image) { return image.inUse || image.imported; });
  std::stable_sort(images.begin(), images.end(), [](auto& a, auto& b) { return a.lastUsed < b.lastUsed; });
  GarbageDecision decision;
  for (const ImageUse& image : images) {
    if (decision.bytes >= bytes) break;
    if (auto ripe = image.lastUsed + kMinimumAge; ripe > now) {
      decision.again = ripe;
      break;  // the others are younger still
    }
    decision.remove.push_back(image.name);
    decision.bytes += static_cast<uint64_t>(std::max<int64_t>(image.size, 0));
  }
  return decision;
}

struct ImageGarbage::State {
  State(ImageStore& images, InUse used, Report told, const base::Clock& time)
      : store(images), inUse(std::move(used)), report(std::move(told)), clock(time) {}

  ImageStore& store;
  InUse inUse;
  Report report;
  const base::Clock& clock;
  std::mutex collecting;  // one at a time
  std::mutex mutex;
  std::condition_variable_any changed;
  bool asked = false;
  std::optional<base::WallTime> again;
  std::jthread thread;

  std::vector<ImageUse> uses() const {
    auto used = inUse();
    std::vector<ImageUse> out;
    for (const Image& image : store.list()) {
      bool now = used.contains(image.imageId()) || used.contains(image.name);
      if (now) store.noteUse(image.name);
      out.push_back({.name = image.name,
                     .imageId = image.imageId(),
                     .size = image.size,
                     .inUse = now,
                     .imported = image.source == ImageSource::kImported,
                     .lastUsed = store.lastUsed(image.name)});
    }
    return out;
  }

  // Frees at least so many bytes of the disk if it can, as the disk tells, not the sum of sizes: layers are shared.
  // Returns what the disk lacks still.
  uint64_t free(uint64_t bytes, std::optional<base::WallTime>& ripe) {
    std::lock_guard lock(collecting);
    store.collectLeftLayers();
    uint64_t before = readDiskSpace(store.directory()).available;
    auto lacking = [&] {
      uint64_t freed = readDiskSpace(store.directory()).available - before;
      return static_cast<int64_t>(freed) < 0 ? bytes : freed < bytes ? bytes - freed : 0;
    };
    for (uint64_t rest = lacking(); rest > 0; rest = lacking()) {
      GarbageDecision decision = decideGarbage(uses(), rest, clock.now());
      ripe = decision.again;
      if (decision.remove.empty()) return rest;
      kLog.info("removing image {}, which nobody uses: the disk is full", decision.remove.front());
      store.remove(decision.remove.front());
    }
    return 0;
  }

  void collect() {
    store.collectLeftLayers();
    uint64_t bytes = bytesToFree(readDiskSpace(store.directory()));
    if (bytes == 0) return;
    std::optional<base::WallTime> ripe;
    uint64_t lacking = free(bytes, ripe);
    if (lacking == 0) return;
    report(
        fmt::format("Failed to garbage collect required amount of images. Attempted to free {} bytes, but only "
                    "found {} bytes eligible to free.",
                    bytes, bytes - lacking));
    std::lock_guard lock(mutex);
    again = ripe;
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      auto due = [this] { return asked; };
      if (again) {
        changed.wait_for(lock, stop, *again - clock.now(), due);
      } else {
        changed.wait(lock, stop, due);
      }
      if (stop.stop_requested()) return;
      asked = false;
      again.reset();
      lock.unlock();
      try {
        collect();
      } catch (const std::exception& error) {
        kLog.error("images can't be collected: {}", error.what());
      }
      lock.lock();
    }
  }
};

ImageGarbage::ImageGarbage(ImageStore& store, InUse inUse, Report report, const base::Clock& clock)
    : state_(std::make_unique<State>(store, std::move(inUse), std::move(report), clock)) {
  state_->thread = std::jthread([state = state_.get()](const std::stop_token& stop) { state->work(stop); });
}

ImageGarbage::~ImageGarbage() { state_->thread = {}; }

void ImageGarbage::check() {
  std::lock_guard lock(state_->mutex);
  state_->asked = true;
  state_->changed.notify_all();
}

void ImageGarbage::makeRoom(uint64_t bytes) {
  std::optional<base::WallTime> ignored;
  state_->free(bytes, ignored);
}

std::vector<std::string> ImageGarbage::prune(Prune what) {
  std::lock_guard lock(state_->collecting);
  std::vector<std::string> removed;
  for (const ImageUse& image : state_->uses()) {
    bool stays = image.inUse || (image.imported && what == Prune::kPulled);
    if (!stays && state_->store.remove(image.name)) removed.push_back(image.name);
  }
  state_->store.collectLeftLayers();
  return removed;
}

bool ImageGarbage::inUse(const Image& image) const {
  auto used = state_->inUse();
  return used.contains(image.imageId()) || used.contains(image.name);
}

}  // namespace wherry::kubelet

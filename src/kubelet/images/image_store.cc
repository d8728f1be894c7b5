#include "kubelet/images/image_store.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/random.h"
#include "base/sync.h"
#include "kubelet/images/image_index.h"
#include "kubelet/images/layer_store.h"
#include "kubelet/images/oci_archive.h"
#include "kubelet/images/reference.h"
#include "kubelet/images/skopeo.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDocument = 4 << 20;

std::string normalised(std::string_view name) {
  auto reference = ImageReference::parse(name);
  if (!reference) throw std::runtime_error(fmt::format("\"{}\" is not an image name", name));
  return reference->text();
}

json::Value readDocument(const std::string& blob, std::string_view digest) {
  std::error_code error;
  if (fs::file_size(blob, error) > kMaxDocument || error)
    throw std::runtime_error("image lacks " + std::string(digest));
  return json::parse(base::readFile(blob));
}

// Follows a list to this machine's manifest and reads what image it is. `blobs` holds files named by hex digits.
Image readImage(Descriptor descriptor, const std::string& blobs) {
  auto path = [&](std::string_view digest) { return blobs + "/" + digestHex(digest); };
  if (isIndex(descriptor.mediaType)) {
    auto chosen = findManifest(readDocument(path(descriptor.digest), descriptor.digest), machineArchitecture());
    if (!chosen) throw std::runtime_error("image is not for " + machineArchitecture());
    descriptor.digest = chosen->digest;
  }
  Image image;
  image.manifestDigest = descriptor.digest;
  readManifest(readDocument(path(descriptor.digest), descriptor.digest), image);
  image.manifestSize = static_cast<int64_t>(fs::file_size(path(descriptor.digest)));
  json::Value config = readDocument(path(image.configDigest), image.configDigest);
  image.config = parseImageConfig(config);
  image.diffIds = parseDiffIds(config);
  image.size = 0;  // what the manifest says of sizes is not taken for granted
  for (const std::string& layer : image.layers) {
    std::error_code error;
    auto size = fs::file_size(path(layer), error);
    if (error) throw std::runtime_error("image lacks layer " + layer);
    image.size += static_cast<int64_t>(size);
  }
  return image;
}

std::vector<std::string> blobsOf(const Image& image) {
  std::vector<std::string> digests = image.layers;
  digests.push_back(image.manifestDigest);
  digests.push_back(image.configDigest);
  return digests;
}

}  // namespace

struct ImageStore::State {
  std::string images;  // the OCI layout
  std::string blobs;
  std::string scratch;
  LayerStore layers;
  const base::Clock& clock;
  base::WallTime started;
  base::Log log{"images"};
  base::Guarded<ImagesByName> byName;
  base::Guarded<std::map<std::string, base::WallTime>> used;
  std::mutex writing;  // index.json and the blobs it needs: one change at a time
  std::atomic<bool> layersLeft{false};
  std::function<void()> changed = [] {};

  State(const std::string& dataDir, const base::Clock& theClock)
      : images(dataDir + "/images"),
        blobs(images + "/blobs/sha256"),
        scratch(images + "/scratch"),
        layers(dataDir + "/layers"),
        clock(theClock),
        started(theClock.now()) {}

  std::string blobPath(std::string_view digest) const { return blobs + "/" + digestHex(digest); }

  void writeIndex(const ImagesByName& all) const {
    base::writeFileAtomic(images + "/index.json", renderImageIndex(all), 0644, base::Durability::kSynced);
  }

  void readIndex() {
    auto text = base::readFileIfExists(images + "/index.json");
    if (!text) return;
    bool whole = true;
    for (IndexEntry& entry : parseImageIndex(*text)) whole = readEntry(entry) && whole;
    // What a crash left between the blobs and the index; not if that may be what an image lacks.
    if (whole) collectGarbage();
  }

  bool readEntry(IndexEntry& entry) {
    try {
      Image image = readImage(entry.descriptor, blobs);
      image.name = entry.image.name;
      image.source = entry.image.source;
      image.sourceDigest = entry.image.sourceDigest;
      image.logins = entry.image.logins;
      byName.with([&](auto& all) { all[image.name] = image; });
      return true;
    } catch (const std::exception& error) {
      log.warn("image {} can't be used and is left out: {}", entry.image.name, error.what());
      return false;
    }
  }

  // REQUIRES: `writing` is held.
  void replaceAll(ImagesByName all) {
    writeIndex(all);
    byName.with([&](auto& current) { current = std::move(all); });
  }

  void takeBlobs(const Staging& staging, const Image& image) const {
    for (const std::string& digest : blobsOf(image)) {
      bool there = ::link(staging.blobPath(digest).c_str(), blobPath(digest).c_str()) == 0 || errno == EEXIST;
      if (!there) base::throwErrno("keep " + digest);
    }
  }

  Image add(const Staging& staging, Image image, const std::string& login) {
    checkDiffIds(image);
    auto pin = layers.pin(image.layers);
    layers.ensure(image, [&](std::string_view digest) { return staging.blobPath(digest); });
    {
      std::lock_guard lock(writing);
      try {
        takeBlobs(staging, image);
        base::syncFilesystem(images);
        ImagesByName all = byName.copy();
        keepLogins(image, all, login);
        all[image.name] = image;
        replaceAll(std::move(all));
        base::faultPoint("image-listed");
      } catch (...) {
        collectBlobs(neededHexes());
        throw;
      }
    }
    noteUse(image.name);
    changed();
    return image;
  }

  // Who might use the same image before may use it still.
  static void keepLogins(Image& image, const ImagesByName& all, const std::string& login) {
    if (!login.empty()) image.logins = {login};
    auto before = all.find(image.name);
    bool same = before != all.end() && before->second.manifestDigest == image.manifestDigest;
    if (!same || login.empty()) return;
    const auto& known = before->second.logins;
    if (known.empty()) image.logins.clear();
    for (const std::string& other : known) {
      if (other != login) image.logins.push_back(other);
    }
  }

  void noteUse(const std::string& name) {
    auto now = clock.now();
    used.with([&](auto& times) { times[name] = now; });
  }

  // Digests that some image needs: its manifest, config and layers.
  std::set<std::string> neededHexes() const {
    std::set<std::string> needed;
    byName.with([&](const auto& all) {
      for (const auto& [name, image] : all) {
        for (const std::string& digest : blobsOf(image)) needed.insert(digestHex(digest));
      }
    });
    return needed;
  }

  void collectBlobs(const std::set<std::string>& needed) const {
    for (const auto& entry : fs::directory_iterator(blobs)) {
      if (!needed.contains(entry.path().filename().string())) fs::remove_all(entry.path());
    }
  }

  void collectGarbage() {
    auto needed = neededHexes();
    collectBlobs(needed);
    layersLeft = !layers.collect(needed);
  }
};

ImageStore::ImageStore(const std::string& dataDir, const base::Clock& clock)
    : state_(std::make_unique<State>(dataDir, clock)) {
  base::makeDirectories(state_->blobs);
  fs::remove_all(state_->scratch);
  base::makeDirectories(state_->scratch, 0700);
  std::string layout = state_->images + "/oci-layout";
  if (!fs::exists(layout)) base::writeFileAtomic(layout, R"({"imageLayoutVersion":"1.0.0"})");
  state_->readIndex();
}

ImageStore::~ImageStore() = default;

std::vector<Image> ImageStore::list() const {
  return state_->byName.with([](const auto& all) {
    std::vector<Image> out;
    for (const auto& [name, image] : all) out.push_back(image);
    return out;
  });
}

std::optional<Image> ImageStore::find(std::string_view name) const {
  auto reference = ImageReference::parse(name);
  if (!reference) return std::nullopt;
  return state_->byName.with([&](const auto& all) -> std::optional<Image> {
    auto found = all.find(reference->text());
    if (found != all.end()) return found->second;
    return std::nullopt;
  });
}

std::vector<Image> ImageStore::importArchive(const std::string& file, std::string_view name) {
  ArchiveKind kind = detectArchive(file);
  if (kind == ArchiveKind::kNeither) throw std::runtime_error(file + " is neither an OCI nor a Docker archive");
  return kind == ArchiveKind::kDocker ? importDocker(file, name) : importOci(file, name);
}

std::vector<Image> ImageStore::importDocker(const std::string& file, std::string_view name) {
  auto tags = dockerArchiveNames(file);
  if (tags.empty()) throw std::runtime_error(file + " does not name its image: save it by its name");
  std::vector<Image> images;
  for (const std::string& tag : tags) {
    auto staging = newStaging();
    runSkopeoCopy({.source = "docker-archive:" + file + ":" + tag,
                   .layout = staging->layout(),
                   .blobs = staging->sharedBlobs(),
                   .temporary = staging->temporary()});
    images.push_back(adopt(*staging, name.empty() ? std::string_view(tag) : name, ImageSource::kImported, {}));
  }
  return images;
}

std::vector<Image> ImageStore::importOci(const std::string& file, std::string_view name) {
  auto staging = newStaging();
  json::Value index = extractOciArchive(file, staging->blobs());
  const json::Value* manifests = json::find(index, "manifests");
  if (!manifests || !manifests->is_array()) throw std::runtime_error(file + " has no images");
  std::vector<Image> images;
  for (const Descriptor& descriptor : parseDescriptors(manifests->get_array())) {
    auto named = name.empty() ? archivedName(descriptor) : normalised(name);
    if (!named) throw std::runtime_error(file + " does not name its image: give a name");
    Image image = readImage(descriptor, staging->blobs());
    image.name = *named;
    image.sourceDigest = descriptor.digest;
    images.push_back(state_->add(*staging, std::move(image), {}));
  }
  return images;
}

std::unique_ptr<Staging> ImageStore::newStaging() const {
  return std::make_unique<Staging>(state_->scratch + "/" + base::randomSuffix(10), state_->blobs);
}

bool ImageStore::hasBlob(std::string_view digest) const { return fs::exists(state_->blobPath(digest)); }

std::string ImageStore::newScratchDirectory() const {
  std::string directory = state_->scratch + "/" + base::randomSuffix(10);
  base::makeDirectories(directory, 0700);
  return directory;
}

Image ImageStore::adopt(const Staging& staging, std::string_view name, ImageSource source, std::string sourceDigest,
                        const std::string& login) {
  json::Value index = json::parse(base::readFile(staging.layout() + "/index.json"));
  auto descriptor = findManifest(index, machineArchitecture());
  if (!descriptor) throw std::runtime_error("no image for " + machineArchitecture());
  Image image = readImage(*descriptor, staging.blobs());
  image.name = normalised(name);
  image.source = source;
  image.sourceDigest = sourceDigest.empty() ? image.manifestDigest : std::move(sourceDigest);
  return state_->add(staging, std::move(image), login);
}

void ImageStore::allow(std::string_view name, const std::string& login) {
  std::lock_guard lock(state_->writing);
  ImagesByName all = state_->byName.copy();
  auto image = all.find(normalised(name));
  if (image == all.end() || image->second.logins.empty()) return;
  auto& logins = image->second.logins;
  if (std::find(logins.begin(), logins.end(), login) != logins.end()) return;
  if (login.empty()) logins.clear();
  if (!login.empty()) logins.push_back(login);
  state_->replaceAll(std::move(all));
}

std::vector<std::string> ImageStore::lowerDirectories(const Image& image) {
  noteUse(image.name);
  state_->layers.ensure(image, [&](std::string_view digest) { return state_->blobPath(digest); });
  std::vector<std::string> lower;
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
    lower.push_back(state_->layers.path(*layer));
  }
  return lower;
}

base::WallTime ImageStore::lastUsed(const std::string& name) const {
  return state_->used.with([&](const auto& times) {
    auto found = times.find(name);
    return found == times.end() ? state_->started : found->second;
  });
}

void ImageStore::noteUse(const std::string& name) { state_->noteUse(name); }

bool ImageStore::remove(std::string_view name) {
  std::string key = normalised(name);
  {
    std::lock_guard lock(state_->writing);
    ImagesByName all = state_->byName.copy();
    if (all.erase(key) == 0) return false;
    state_->replaceAll(std::move(all));
    base::faultPoint("image-unlisted");
    state_->collectGarbage();
  }
  state_->used.with([&](auto& times) { times.erase(key); });
  state_->changed();
  return true;
}

void ImageStore::collectLeftLayers() {
  if (!state_->layersLeft) return;
  std::lock_guard lock(state_->writing);
  state_->collectGarbage();
}

void ImageStore::onChange(std::function<void()> handler) { state_->changed = std::move(handler); }

const std::string& ImageStore::directory() const { return state_->images; }

}  // namespace wherry::kubelet

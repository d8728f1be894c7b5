#include "kubelet/images/image_store.h"

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/random.h"
#include "kubelet/images/layer.h"
#include "kubelet/images/oci_archive.h"
#include "kubelet/images/reference.h"
#include "kubelet/images/skopeo.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNameKey = "org.opencontainers.image.ref.name";
constexpr const char* kSourceKey = "wherry.image.source";
constexpr const char* kDigestKey = "wherry.image.source-digest";
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr size_t kMaxDocument = 4 << 20;

// The hex digits of "sha256:...". A digest becomes a path, so anything else is refused.
std::string hexOf(std::string_view digest) {
  constexpr std::string_view kPrefix = "sha256:";
  bool right = digest.starts_with(kPrefix) && digest.size() == kPrefix.size() + 64 &&
               digest.substr(kPrefix.size()).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!right) throw std::runtime_error("not a sha256 digest: " + std::string(digest));
  return std::string(digest.substr(kPrefix.size()));
}

// What has been written below `directory` survives a power cut once this returns.
void syncFilesystem(const std::string& directory) {
  base::Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) base::throwErrno("syncfs " + directory);
}

void removeAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw std::system_error(error, "remove " + path);
}

std::string normalised(std::string_view name) {
  auto reference = ImageReference::parse(name);
  if (!reference) throw std::runtime_error(fmt::format("\"{}\" is not an image name", name));
  return reference->text();
}

json::Object indexEntry(const Image& image) {
  json::Object annotations{{kNameKey, image.name},
                           {kSourceKey, image.source == ImageSource::kPulled ? "pulled" : "imported"},
                           {kDigestKey, image.sourceDigest}};
  return {{"mediaType", kManifestType},
          {"digest", image.manifestDigest},
          {"size", image.manifestSize},
          {"annotations", std::move(annotations)}};
}

std::string annotation(const Descriptor& descriptor, const char* key) {
  const json::Value* value = descriptor.annotations.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace

struct ImageStore::State {
  std::string images;  // the OCI layout
  std::string blobs;
  std::string layers;
  std::string scratch;
  base::Log log{"images"};
  base::Guarded<std::map<std::string, Image>> byName;
  std::mutex writing;    // index.json and the files it needs: one change at a time
  std::mutex unpacking;  // one layer at a time
  std::atomic<int> pins{0};

  std::string blobPath(std::string_view digest) const { return blobs + "/" + hexOf(digest); }

  json::Value readBlob(std::string_view digest) const {
    std::string path = blobPath(digest);
    std::error_code error;
    if (fs::file_size(path, error) > kMaxDocument || error)
      throw std::runtime_error("image lacks " + std::string(digest));
    return json::parse(base::readFile(path));
  }

  // Follows a list to this machine's manifest and reads what image it is.
  Image readImage(Descriptor descriptor) const {
    if (isIndex(descriptor.mediaType)) {
      auto chosen = findManifest(readBlob(descriptor.digest), machineArchitecture());
      if (!chosen) throw std::runtime_error("image is not for " + machineArchitecture());
      descriptor.digest = chosen->digest;
    }
    Image image;
    image.manifestDigest = descriptor.digest;
    image.manifestSize = static_cast<int64_t>(fs::file_size(blobPath(descriptor.digest)));
    readManifest(readBlob(descriptor.digest), image);
    image.config = parseImageConfig(readBlob(image.configDigest));
    for (const std::string& layer : image.layers) {
      if (!fs::exists(blobPath(layer))) throw std::runtime_error("image lacks layer " + layer);
    }
    return image;
  }

  std::string layerPath(std::string_view digest) const { return layers + "/" + hexOf(digest); }

  void ensureUnpacked(const Image& image) {
    std::lock_guard lock(unpacking);
    for (const std::string& digest : image.layers) {
      std::string target = layerPath(digest);
      if (fs::exists(target)) continue;
      std::string temporary = layers + "/.incoming-" + base::randomSuffix(10);
      base::makeDirectories(temporary);
      try {
        unpackLayer(blobPath(digest), temporary);
        base::faultPoint("layer-unpacked");
        syncFilesystem(temporary);
        fs::rename(temporary, target);
        base::faultPoint("layer-in-place");
      } catch (...) {
        std::error_code ignored;
        fs::remove_all(temporary, ignored);
        throw;
      }
    }
  }

  void writeIndex(const std::map<std::string, Image>& all) const {
    json::Array manifests;
    for (const auto& [name, image] : all) manifests.push_back(indexEntry(image));
    json::Object index{{"schemaVersion", 2}, {"manifests", std::move(manifests)}};
    base::writeFileAtomic(images + "/index.json", json::serializePretty(index), 0644, base::Durability::kSynced);
  }

  void readIndex() {
    auto text = base::readFileIfExists(images + "/index.json");
    if (!text) return;
    json::Value index = json::parse(*text);
    const json::Value* manifests = json::find(index, "manifests");
    if (!manifests || !manifests->is_array()) throw std::runtime_error(images + "/index.json is not an OCI index");
    for (const Descriptor& descriptor : parseDescriptors(manifests->get_array())) readIndexEntry(descriptor);
  }

  void readIndexEntry(const Descriptor& descriptor) {
    std::string name = annotation(descriptor, kNameKey);
    try {
      Image image = readImage(descriptor);
      image.name = name;
      image.source = annotation(descriptor, kSourceKey) == "pulled" ? ImageSource::kPulled : ImageSource::kImported;
      image.sourceDigest = annotation(descriptor, kDigestKey);
      byName.with([&](auto& all) { all[name] = image; });
    } catch (const std::exception& error) {
      log.warn("image {} can't be used and is left out: {}", name, error.what());
    }
  }

  Image add(Image image) {
    ensureUnpacked(image);
    syncFilesystem(images);
    std::lock_guard lock(writing);
    auto all = byName.copy();
    all[image.name] = image;
    writeIndex(all);
    base::faultPoint("image-listed");
    byName.with([&](auto& current) { current = std::move(all); });
    return image;
  }

  // Digests that some image needs: its manifest, config and layers.
  std::set<std::string> neededHexes() const {
    std::set<std::string> needed;
    byName.with([&](const auto& all) {
      for (const auto& [name, image] : all) {
        needed.insert({hexOf(image.manifestDigest), hexOf(image.configDigest)});
        for (const std::string& layer : image.layers) needed.insert(hexOf(layer));
      }
    });
    return needed;
  }

  void collectGarbage() const {
    if (pins > 0) return;
    auto needed = neededHexes();
    std::string inUse;
    for (const linux::Mount& mount : linux::readMounts()) {
      if (mount.fstype == "overlay") inUse += mount.superOptions + "\n";
    }
    for (const std::string& directory : {blobs, layers}) {
      for (const auto& entry : fs::directory_iterator(directory)) {
        std::string hex = entry.path().filename().string();
        bool mounted = directory == layers && inUse.find(hex) != std::string::npos;
        if (!needed.contains(hex) && !mounted) removeAll(entry.path().string());
      }
    }
  }
};

ImageStore::ImageStore(const std::string& dataDir) : state_(std::make_unique<State>()) {
  state_->images = dataDir + "/images";
  state_->blobs = state_->images + "/blobs/sha256";
  state_->layers = dataDir + "/layers";
  state_->scratch = state_->images + "/scratch";
  base::makeDirectories(state_->blobs);
  base::makeDirectories(state_->layers, 0700);
  removeAll(state_->scratch);
  base::makeDirectories(state_->scratch, 0700);
  std::string layout = state_->images + "/oci-layout";
  if (!fs::exists(layout)) base::writeFileAtomic(layout, R"({"imageLayoutVersion":"1.0.0"})");
  for (const std::string& directory : {state_->blobs, state_->layers}) {
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().filename().string().starts_with(".incoming-")) removeAll(entry.path().string());
    }
  }
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
  auto pin = pinBlobs();
  return kind == ArchiveKind::kDocker ? importDocker(file, name) : importOci(file, name);
}

std::vector<Image> ImageStore::importDocker(const std::string& file, std::string_view name) {
  auto tags = dockerArchiveNames(file);
  if (tags.empty()) throw std::runtime_error(file + " does not name its image: save it by its name");
  std::vector<Image> images;
  for (const std::string& tag : tags) {
    std::string layout = newScratchDirectory();
    runSkopeoCopy({.source = "docker-archive:" + file + ":" + tag, .layout = layout, .blobs = blobDirectory()});
    images.push_back(adoptLayout(layout, name.empty() ? std::string_view(tag) : name, ImageSource::kImported, {}));
  }
  return images;
}

std::vector<Image> ImageStore::importOci(const std::string& file, std::string_view name) {
  json::Value index = extractOciArchive(file, state_->blobs);
  const json::Value* manifests = json::find(index, "manifests");
  if (!manifests || !manifests->is_array()) throw std::runtime_error(file + " has no images");
  std::vector<Image> images;
  for (const Descriptor& descriptor : parseDescriptors(manifests->get_array())) {
    auto named = name.empty() ? archivedName(descriptor) : normalised(name);
    if (!named) throw std::runtime_error(file + " does not name its image: give a name");
    Image image = state_->readImage(descriptor);
    image.name = *named;
    image.sourceDigest = descriptor.digest;
    images.push_back(state_->add(std::move(image)));
  }
  return images;
}

std::shared_ptr<void> ImageStore::pinBlobs() {
  std::lock_guard lock(state_->writing);
  ++state_->pins;
  return std::shared_ptr<void>(nullptr, [this](void*) { --state_->pins; });
}

Image ImageStore::adoptLayout(const std::string& directory, std::string_view name, ImageSource source,
                              std::string sourceDigest) {
  json::Value index = json::parse(base::readFile(directory + "/index.json"));
  auto descriptor = findManifest(index, machineArchitecture());
  removeAll(directory);
  if (!descriptor) throw std::runtime_error("no image for " + machineArchitecture());
  Image image = state_->readImage(*descriptor);
  image.name = normalised(name);
  image.source = source;
  image.sourceDigest = sourceDigest.empty() ? image.manifestDigest : std::move(sourceDigest);
  return state_->add(std::move(image));
}

std::string ImageStore::blobDirectory() const { return state_->images + "/blobs"; }

std::string ImageStore::newScratchDirectory() const {
  std::string directory = state_->scratch + "/" + base::randomSuffix(10);
  base::makeDirectories(directory, 0700);
  return directory;
}

std::vector<std::string> ImageStore::lowerDirectories(const Image& image) {
  state_->ensureUnpacked(image);
  std::vector<std::string> lower;
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
    lower.push_back(state_->layerPath(*layer));
  }
  return lower;
}

bool ImageStore::remove(std::string_view name) {
  std::string key = normalised(name);
  std::lock_guard lock(state_->writing);
  auto all = state_->byName.copy();
  if (all.erase(key) == 0) return false;
  state_->writeIndex(all);
  base::faultPoint("image-unlisted");
  state_->byName.with([&](auto& current) { current = std::move(all); });
  std::lock_guard unpacking(state_->unpacking);
  state_->collectGarbage();
  return true;
}

}  // namespace wherry::kubelet

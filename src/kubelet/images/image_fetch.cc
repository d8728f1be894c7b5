#include "kubelet/images/image_fetch.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/encoding.h"
#include "kubelet/images/registry_access.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMirrorTimeout{10'000};  // the next endpoint may do better
constexpr milliseconds kManifestTimeout{60'000};

}  // namespace

ImageFetch::ImageFetch(ImageStore& store, ImageReference reference, std::vector<RegistryEndpoint> endpoints,
                       json::Object logins, std::stop_token stop)
    : store_(store),
      reference_(std::move(reference)),
      endpoints_(std::move(endpoints)),
      logins_(std::move(logins)),
      stop_(std::move(stop)) {
  shared_.with([&](Shared& shared) { shared.progress.registry = endpoints_.front().host; });
}

std::string ImageFetch::sourceAt(const RegistryEndpoint& endpoint) const {
  return endpoint.name() + (reference_.digest.empty() ? ":" + reference_.tag : "@" + reference_.digest);
}

std::string ImageFetch::manifestAt(const RegistryEndpoint& endpoint, const std::string& source, milliseconds timeout) {
  RegistryAccess access(store_.newScratchDirectory(), endpoint, logins_);
  return skopeoManifest(source, access.skopeo(), timeout, stop_);
}

std::string ImageFetch::ask(milliseconds timeout) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  std::string said;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const RegistryEndpoint& endpoint = endpoints_[i];
    bool last = i + 1 == endpoints_.size();
    auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (!last) left = std::min(kMirrorTimeout, left / 2);
    shared_.with([&](Shared& shared) { shared.progress.registry = endpoint.host; });
    try {
      manifest_ = manifestAt(endpoint, sourceAt(endpoint), std::max(left, milliseconds(1)));
      found_ = endpoint;
      digest_ = "sha256:" + base::sha256Hex(manifest_);
      bool other = !reference_.digest.empty() && reference_.digest != digest_;
      if (!other) return digest_;
      throw SkopeoError(fmt::format("{} sent an image of another digest: {}", endpoint.host, digest_));
    } catch (const SkopeoError& error) {
      found_.reset();
      if (last) {
        SkopeoError all(said + error.what());
        all.unreachable = error.unreachable;
        throw all;
      }
      said += fmt::format("mirror {}: {}; ", endpoint.host, error.what());
    }
  }
  throw SkopeoError("there is no registry to ask");
}

// Of a list, this machine's; null when it can't be told.
json::Value ImageFetch::machineManifest() {
  json::Value manifest = json::parse(manifest_);
  if (!isIndex(json::getString(manifest, "mediaType")) && !json::find(manifest, "manifests")) return manifest;
  auto chosen = findManifest(manifest, machineArchitecture());
  if (!chosen) return nullptr;
  return json::parse(manifestAt(*found_, found_->name() + "@" + chosen->digest, kManifestTimeout));
}

uint64_t ImageFetch::missingBytes() {
  json::Value manifest = machineManifest();
  const json::Value* layers = json::find(manifest, "layers");
  uint64_t bytes = 0;
  if (layers && layers->is_array()) {
    for (const Descriptor& layer : parseDescriptors(layers->get_array())) {
      if (!store_.hasBlob(layer.digest)) bytes += static_cast<uint64_t>(std::max<int64_t>(layer.size, 0));
    }
  }
  shared_.with([&](Shared& shared) { shared.progress.totalBytes = bytes; });
  return bytes;
}

Image ImageFetch::fetch(const std::string& login) {
  std::shared_ptr<Staging> staging = store_.newStaging();
  shared_.with([&](Shared& shared) { shared.staging = staging; });
  setPhase(PullProgress::Phase::kFetching);
  {
    RegistryAccess access(store_.newScratchDirectory(), *found_, logins_);
    runSkopeoCopy({.source = fmt::format("docker://{}@{}", found_->name(), digest_),
                   .layout = staging->layout(),
                   .blobs = staging->sharedBlobs(),
                   .temporary = staging->temporary(),
                   .access = access.skopeo(),
                   .stop = stop_});
  }
  setPhase(PullProgress::Phase::kUnpacking);
  Image image = store_.adopt(*staging, reference_.text(), ImageSource::kPulled, digest_, login);
  shared_.with([&](Shared& shared) { shared.staging.reset(); });
  return image;
}

void ImageFetch::setPhase(PullProgress::Phase phase) {
  shared_.with([&](Shared& shared) { shared.progress.phase = phase; });
}

PullProgress ImageFetch::progress() const {
  Shared now = shared_.copy();
  if (now.staging) now.progress.bytes = now.staging->arrivedBytes();
  return now.progress;
}

}  // namespace wherry::kubelet

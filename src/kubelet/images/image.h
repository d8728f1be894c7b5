// What an image is once it is in the store, and reading it from its OCI documents (image-spec v1.1). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace wherry::kubelet {

// The defaults that an image gives its containers.
struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // "NAME=value"
  std::string workingDir;
  std::string user;        // "", "1000", "nginx", "1000:1000"
  std::string stopSignal;  // "", "SIGQUIT", "3"
};

enum class ImageSource { kPulled, kImported };

struct Image {
  std::string name;                  // "docker.io/library/nginx:latest"
  std::string manifestDigest;        // of the stored manifest
  int64_t manifestSize = 0;          // bytes
  std::string sourceDigest;          // what the registry names it by (a list's, maybe); the manifest's when imported
  std::string configDigest;          // the image's id
  std::vector<std::string> layers;   // digests of the layer blobs, the lowest first
  std::vector<std::string> diffIds;  // what its config says: each layer's digest without compression
  int64_t size = 0;                  // bytes of the layer blobs
  ImageSource source = ImageSource::kImported;
  // Hashes of the pods' logins by which it was pulled: only who has one of them may use it unasked. Empty: it was
  // imported, or pulled without a pod's login, and is for everyone (KEP-2535).
  std::vector<std::string> logins;
  ImageConfig config;

  // As pod status shows it: "docker.io/library/nginx@sha256:...".
  std::string imageId() const;
};

// The hex digits of "sha256:...". A digest becomes a path, so anything else is refused: std::runtime_error.
std::string digestHex(std::string_view digest);

struct Descriptor {
  std::string mediaType;
  std::string digest;
  int64_t size = 0;
  json::Object annotations;
};

// An image-index's entry for this machine: of two or more, the one for linux and `architecture`.
std::optional<Descriptor> findManifest(const json::Value& index, std::string_view architecture);
std::vector<Descriptor> parseDescriptors(const json::Array& list);
bool isIndex(std::string_view mediaType);

// The bytes of config and layers that a manifest names; 0 when it says nothing.
int64_t manifestBytes(const json::Value& manifest);

// Fills in what manifest and config document say. Throws std::runtime_error when they are not of an image.
void readManifest(const json::Value& manifest, Image& into);
ImageConfig parseImageConfig(const json::Value& document);
std::vector<std::string> parseDiffIds(const json::Value& document);
// Throws std::runtime_error unless the config names as many layers as the manifest does.
void checkDiffIds(const Image& image);

std::string machineArchitecture();  // as images name it: "amd64", "arm64"

}  // namespace wherry::kubelet

// Asking the registries of one image, and fetching it from the one that answered. Blocks. Used by one thread, but for
// progress().
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "kubelet/images/image_store.h"
#include "kubelet/images/pull_progress.h"
#include "kubelet/images/reference.h"
#include "kubelet/images/registries.h"
#include "kubelet/images/skopeo.h"

namespace wherry::kubelet {

class ImageFetch {
 public:
  // `logins` are the pod's that are for these endpoints.
  ImageFetch(ImageStore& store, ImageReference reference, std::vector<RegistryEndpoint> endpoints, json::Object logins,
             std::stop_token stop);

  // The digest by which the first endpoint that has the image knows it now. Throws SkopeoError: nobody has it; its text
  // and kind are the last endpoint's, the registry's own, after what the mirrors said. Each mirror has a part of the
  // time only.
  std::string ask(std::chrono::milliseconds timeout);

  // Bytes that are to be fetched and aren't here yet; 0 when the registry does not say. REQUIRES: ask() has answered.
  uint64_t missingBytes();
  // Fetches that very image, and takes it into the store. Throws SkopeoError and what the store throws.
  Image fetch(const std::string& login);

  void setPhase(PullProgress::Phase phase);
  PullProgress progress() const;

 private:
  struct Shared {
    PullProgress progress;
    std::shared_ptr<Staging> staging;
  };

  std::string sourceAt(const RegistryEndpoint& endpoint) const;
  std::string manifestAt(const RegistryEndpoint& endpoint, const std::string& source,
                         std::chrono::milliseconds timeout);
  json::Value machineManifest();

  ImageStore& store_;
  ImageReference reference_;
  std::vector<RegistryEndpoint> endpoints_;
  json::Object logins_;
  std::stop_token stop_;
  std::optional<RegistryEndpoint> found_;
  std::string manifest_;  // as the registry sent it; maybe a list
  std::string digest_;
  base::Guarded<Shared> shared_;
};

}  // namespace wherry::kubelet

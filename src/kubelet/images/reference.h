// The names of images, as the distribution specification and the container engines understand them. Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::kubelet {

struct ImageReference {
  std::string registry;    // "docker.io"
  std::string repository;  // "library/nginx"
  std::string tag;         // "latest"; "" when only a digest is given
  std::string digest;      // "sha256:..." or ""

  // Short names completed: "nginx" is docker.io/library/nginx:latest. Nothing when `text` is no image name.
  static std::optional<ImageReference> parse(std::string_view text);

  std::string text() const;  // "docker.io/library/nginx:latest", the name images are kept under
  std::string repositoryText() const { return registry + "/" + repository; }
};

}  // namespace wherry::kubelet

// ImagePuller: makes sure that a pod's image is in the store, by imagePullPolicy. One pull of an image serves all who
// wait for it with the same login, three images are fetched at a time. Calls block for as long as it takes. Safe from
// any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "kubelet/images/image_store.h"
#include "kubelet/images/pull_progress.h"

namespace wherry::kubelet {

enum class PullPolicy { kAlways, kIfNotPresent, kNever };

// "Always", "IfNotPresent", "Never"; by the tag when empty, as the API's defaulting does.
PullPolicy parsePullPolicy(std::string_view text, std::string_view image);

// What the registry says about an image.
struct RegistryAnswer {
  enum class Kind { kDigest, kRefused, kUnreachable } kind = Kind::kUnreachable;
  std::string text;  // the digest, or why not
};

// Whether the image may be used by a pod with this login without asking the registry (KEP-2535, as with upstream's
// default, NeverVerifyPreloadedImages): imported ones by all, others by who has a login that it was pulled by. Pure.
bool mayUse(const Image& image, const std::string& login);

// What is to be done for an image, before and after the registry was asked. Pure.
enum class PullStep { kUseStored, kUseImported, kAsk, kPull, kFail, kNeverPresent, kNeverAllowed };
PullStep decidePull(PullPolicy policy, const std::optional<Image>& stored, const std::string& login,
                    const std::optional<RegistryAnswer>& answer);

struct PullResult {
  Image image;
  // kFallback: the registry is out of reach, the image imported by hand is used in its place.
  enum class How { kPresent, kChecked, kPulled, kFallback } how = How::kPresent;
  std::chrono::milliseconds pulling{0};  // the pull alone
  std::chrono::milliseconds waiting{0};  // with the wait for others
};

// An image that can't be had; what() is the reason as the pod's status shows it.
struct PullError : std::runtime_error {
  PullError(std::string reasonName, const std::string& message)
      : std::runtime_error(message), reason(std::move(reasonName)) {}
  std::string reason;  // "ErrImagePull", "RegistryUnavailable", "ErrImageNeverPull", "InvalidImageName"
};

struct ImagePullerOptions {
  std::string registriesFile;              // registries.h; read at each pull. "" or missing: none
  std::function<void(uint64_t)> makeRoom;  // frees so many bytes if it can, before a pull is refused for want of them
  const base::Clock& clock = base::Clock::system();
};

class ImagePuller {
 public:
  explicit ImagePuller(ImageStore& store, ImagePullerOptions options = {});
  ~ImagePuller();

  // The image if it can be had without asking anybody: no waiting. `logins` as below.
  std::optional<Image> findWithoutPull(std::string_view name, PullPolicy policy, const json::Object& logins = {}) const;
  // `logins` are the pod's, by registry (pull_secrets.h). Throws PullError, also soon after stop().
  PullResult pull(std::string_view name, PullPolicy policy, const json::Object& logins = {},
                  const PullWatcher& watcher = {});
  void stop();  // ends the pulls that run

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

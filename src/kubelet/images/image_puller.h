// ImagePuller: makes sure that a pod's image is in the store, by imagePullPolicy. One pull of an image serves all who
// wait for it, three images are pulled at a time. Calls block for as long as it takes. Safe from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "kubelet/images/image_store.h"

namespace wherry::kubelet {

enum class PullPolicy { kAlways, kIfNotPresent, kNever };

// "Always", "IfNotPresent", "Never"; by the tag when empty, as the API's defaulting does.
PullPolicy parsePullPolicy(std::string_view text, std::string_view image);

// What the registry says about an image.
struct RegistryAnswer {
  enum class Kind { kDigest, kRefused, kUnreachable } kind = Kind::kUnreachable;
  std::string text;  // the digest, or why not
};

// What is to be done for an image, before and after the registry was asked. Pure.
enum class PullStep { kUseStored, kUseImported, kAsk, kPull, kFail, kNeverPresent };
PullStep decidePull(PullPolicy policy, const std::optional<Image>& stored, const std::optional<RegistryAnswer>& answer);

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
  std::string reason;  // "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"
};

class ImagePuller {
 public:
  explicit ImagePuller(ImageStore& store, const base::Clock& clock = base::Clock::system());
  ~ImagePuller();

  // The image if it can be had without asking anybody: no waiting.
  std::optional<Image> findWithoutPull(std::string_view name, PullPolicy policy) const;
  // `auth` is the content of an auth.json, or "" for none. Throws PullError, also soon after stop().
  PullResult pull(std::string_view name, PullPolicy policy, const std::string& auth = {});
  void stop();  // ends the pulls that run

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet

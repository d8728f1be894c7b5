#include "kubelet/images/image_puller.h"

#include <filesystem>
#include <future>
#include <map>
#include <semaphore>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/guarded.h"
#include "kubelet/images/reference.h"
#include "kubelet/images/skopeo.h"

namespace wherry::kubelet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kAskTimeout{2000};          // how long a registry may take to be reached
constexpr std::chrono::minutes kDigestTimeout{1};  // when there is nothing to fall back to
// A registry that was out of reach is not asked again so soon when an imported image serves: five replicas started at
// once shall not wait five times.
constexpr std::chrono::seconds kUnreachableMemory{30};
constexpr int kPullsAtATime = 3;

// Credentials on disk for as long as a pull takes.
class AuthFile {
 public:
  AuthFile(std::string directory, const std::string& content)
      : directory_(std::move(directory)), empty_(content.empty()) {
    if (!empty_) base::writeFileAtomic(path(), content, 0600);
  }
  ~AuthFile() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  AuthFile(const AuthFile&) = delete;
  AuthFile& operator=(const AuthFile&) = delete;
  std::string path() const { return empty_ ? "" : directory_ + "/auth.json"; }

 private:
  std::string directory_;
  bool empty_;
};

}  // namespace

PullPolicy parsePullPolicy(std::string_view text, std::string_view image) {
  if (text == "Always") return PullPolicy::kAlways;
  if (text == "Never") return PullPolicy::kNever;
  if (text == "IfNotPresent") return PullPolicy::kIfNotPresent;
  auto reference = ImageReference::parse(image);
  bool latest = reference && reference->digest.empty() && reference->tag == "latest";
  return latest ? PullPolicy::kAlways : PullPolicy::kIfNotPresent;
}

PullStep decidePull(PullPolicy policy, const std::optional<Image>& stored,
                    const std::optional<RegistryAnswer>& answer) {
  if (policy == PullPolicy::kNever) return stored ? PullStep::kUseStored : PullStep::kNeverPresent;
  if (policy == PullPolicy::kIfNotPresent && stored) return PullStep::kUseStored;
  if (!answer) return PullStep::kAsk;
  switch (answer->kind) {
    case RegistryAnswer::Kind::kDigest:
      return stored && stored->sourceDigest == answer->text ? PullStep::kUseStored : PullStep::kPull;
    case RegistryAnswer::Kind::kUnreachable:
      return stored && stored->source == ImageSource::kImported ? PullStep::kUseImported : PullStep::kFail;
    case RegistryAnswer::Kind::kRefused:
      return PullStep::kFail;
  }
  return PullStep::kFail;
}

struct ImagePuller::State {
  ImageStore& store;
  const base::Clock& clock;
  std::stop_source stopping;
  std::counting_semaphore<kPullsAtATime> slots{kPullsAtATime};
  base::Guarded<std::map<std::string, std::shared_future<PullResult>>> running;
  struct Unreachable {
    base::MonotonicTime since;
    std::string why;
  };
  base::Guarded<std::map<std::string, Unreachable>> unreachable;  // by registry

  State(ImageStore& imageStore, const base::Clock& theClock) : store(imageStore), clock(theClock) {}

  std::optional<RegistryAnswer> remembered(const ImageReference& reference) {
    auto now = clock.monotonicNow();
    return unreachable.with([&](auto& known) -> std::optional<RegistryAnswer> {
      auto found = known.find(reference.registry);
      if (found == known.end() || now - found->second.since > kUnreachableMemory) return std::nullopt;
      return RegistryAnswer{RegistryAnswer::Kind::kUnreachable, found->second.why};
    });
  }

  RegistryAnswer ask(const ImageReference& reference, const std::optional<Image>& stored, const std::string& authFile) {
    bool fallback = stored && stored->source == ImageSource::kImported;
    if (auto known = fallback ? remembered(reference) : std::nullopt) return *known;
    try {
      milliseconds timeout = fallback ? kAskTimeout : milliseconds(kDigestTimeout);
      return {RegistryAnswer::Kind::kDigest, skopeoDigest(reference.text(), authFile, timeout, stopping.get_token())};
    } catch (const SkopeoError& error) {
      if (!error.unreachable) return {RegistryAnswer::Kind::kRefused, error.what()};
      unreachable.with([&](auto& known) { known[reference.registry] = {clock.monotonicNow(), error.what()}; });
      return {RegistryAnswer::Kind::kUnreachable, error.what()};
    }
  }

  Image fetch(const ImageReference& reference, const std::string& digest, const std::string& authFile) {
    auto pin = store.pinBlobs();
    std::string layout = store.newScratchDirectory();
    runSkopeoCopy({.source = "docker://" + reference.text(),
                   .layout = layout,
                   .blobs = store.blobDirectory(),
                   .authFile = authFile,
                   .stop = stopping.get_token()});
    return store.adoptLayout(layout, reference.text(), ImageSource::kPulled, digest);
  }

  PullResult pullNow(const ImageReference& reference, PullPolicy policy, const std::string& authFile) {
    auto started = clock.monotonicNow();
    auto stored = store.find(reference.text());
    auto elapsed = [&] { return duration_cast<milliseconds>(clock.monotonicNow() - started); };
    RegistryAnswer answer = ask(reference, stored, authFile);
    switch (decidePull(policy, stored, answer)) {
      case PullStep::kUseStored:
        return {*stored, PullResult::How::kChecked, elapsed(), elapsed()};
      case PullStep::kUseImported:
        return {*stored, PullResult::How::kFallback, elapsed(), elapsed()};
      case PullStep::kPull:
        break;
      default:
        throw PullError("ErrImagePull", answer.text);
    }
    Image image = fetch(reference, answer.text, authFile);
    return {image, PullResult::How::kPulled, elapsed(), elapsed()};
  }

  PullResult pullInTurn(const ImageReference& reference, PullPolicy policy, const std::string& authFile) {
    slots.acquire();
    struct Release {
      State& state;
      ~Release() { state.slots.release(); }
    } release{*this};
    try {
      return pullNow(reference, policy, authFile);
    } catch (const PullError&) {
      throw;
    } catch (const std::exception& error) {
      throw PullError("ErrImagePull", error.what());
    }
  }
};

ImagePuller::ImagePuller(ImageStore& store, const base::Clock& clock) : state_(std::make_unique<State>(store, clock)) {}
ImagePuller::~ImagePuller() = default;

void ImagePuller::stop() { state_->stopping.request_stop(); }

std::optional<Image> ImagePuller::findWithoutPull(std::string_view name, PullPolicy policy) const {
  auto stored = state_->store.find(name);
  return decidePull(policy, stored, std::nullopt) == PullStep::kUseStored ? stored : std::nullopt;
}

PullResult ImagePuller::pull(std::string_view name, PullPolicy policy, const std::string& auth) {
  auto reference = ImageReference::parse(name);
  if (!reference) {
    throw PullError("InvalidImageName",
                    fmt::format("Failed to apply default image tag \"{0}\": couldn't parse image name "
                                "\"{0}\": invalid reference format",
                                name));
  }
  auto stored = state_->store.find(name);
  PullStep first = decidePull(policy, stored, std::nullopt);
  if (first == PullStep::kUseStored) return {*stored, PullResult::How::kPresent};
  if (first == PullStep::kNeverPresent) {
    throw PullError("ErrImageNeverPull",
                    fmt::format("Container image \"{}\" is not present with pull policy of Never", name));
  }
  auto started = state_->clock.monotonicNow();
  std::promise<PullResult> promise;
  auto [future, mine] = state_->running.with([&](auto& running) {
    auto [entry, inserted] = running.try_emplace(reference->text(), promise.get_future().share());
    return std::pair(entry->second, inserted);
  });
  if (mine) {
    try {
      AuthFile file(state_->store.newScratchDirectory(), auth);
      promise.set_value(state_->pullInTurn(*reference, policy, file.path()));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
    state_->running.with([&](auto& running) { running.erase(reference->text()); });
  }
  PullResult result = future.get();
  result.waiting = duration_cast<milliseconds>(state_->clock.monotonicNow() - started);
  return result;
}

}  // namespace wherry::kubelet

#include "kubelet/images/image_puller.h"

#include <algorithm>
#include <future>
#include <map>
#include <semaphore>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/guarded.h"
#include "kubelet/images/disk_space.h"
#include "kubelet/images/image_fetch.h"
#include "kubelet/images/pull_secrets.h"
#include "kubelet/images/reference.h"
#include "kubelet/pods/background.h"

namespace wherry::kubelet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kAskTimeout{2000};          // how long a registry may take to be reached
constexpr std::chrono::minutes kDigestTimeout{1};  // when there is nothing to fall back to
// A registry that was out of reach is not asked again so soon when an imported image serves: five replicas started at
// once shall not wait five times.
constexpr std::chrono::seconds kUnreachableMemory{30};
constexpr int kFetchesAtATime = 3;
constexpr size_t kPullsAtATime = 256;  // more than ever ask at once: most of them only wait for an answer

std::string hashOf(const json::Object& logins) {
  return logins.empty() ? "" : base::sha256Hex(json::serialize(logins)).substr(0, 16);
}

PullError invalidName(std::string_view name) {
  return {"InvalidImageName", fmt::format("Failed to apply default image tag \"{0}\": couldn't parse image name "
                                          "\"{0}\": invalid reference format",
                                          name)};
}

PullError neverPull(PullStep step, std::string_view name) {
  if (step == PullStep::kNeverPresent) {
    return {"ErrImageNeverPull", fmt::format("Container image \"{}\" is not present with pull policy of Never", name)};
  }
  return {"ErrImageNeverPull",
          fmt::format("Container image \"{}\" is present with pull policy of Never, but was pulled with a secret that "
                      "the pod does not have",
                      name)};
}

}  // namespace

PullPolicy parsePullPolicy(std::string_view text, std::string_view image) {
  if (text == "Always") return PullPolicy::kAlways;
  if (text == "Never") return PullPolicy::kNever;
  if (text == "IfNotPresent") return PullPolicy::kIfNotPresent;
  auto reference = ImageReference::parse(image);
  bool latest = reference && reference->digest.empty() && reference->tag == "latest";
  return latest ? PullPolicy::kAlways : PullPolicy::kIfNotPresent;
}

bool mayUse(const Image& image, const std::string& login) {
  const auto& logins = image.logins;
  return logins.empty() || (!login.empty() && std::find(logins.begin(), logins.end(), login) != logins.end());
}

PullStep decidePull(PullPolicy policy, const std::optional<Image>& stored, const std::string& login,
                    const std::optional<RegistryAnswer>& answer) {
  bool usable = stored && mayUse(*stored, login);
  if (policy != PullPolicy::kAlways && usable) return PullStep::kUseStored;
  if (policy == PullPolicy::kNever) return stored ? PullStep::kNeverAllowed : PullStep::kNeverPresent;
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

namespace {

// What one pull is about.
struct Wanted {
  ImageReference reference;
  PullPolicy policy;
  std::vector<RegistryEndpoint> endpoints;
  json::Object logins;  // for these endpoints
  std::string login;    // their hash
};

struct RunningPull {
  RunningPull(ImageStore& store, const Wanted& wanted, std::stop_token stop, base::MonotonicTime now)
      : fetch(store, wanted.reference, wanted.endpoints, wanted.logins, std::move(stop)), started(now) {}

  ImageFetch fetch;
  std::promise<PullResult> promise;
  std::shared_future<PullResult> result = promise.get_future().share();
  base::MonotonicTime started;
};

}  // namespace

struct ImagePuller::State {
  ImageStore& store;
  ImagePullerOptions options;
  std::stop_source stopping;
  std::counting_semaphore<kFetchesAtATime> slots{kFetchesAtATime};
  base::Guarded<std::map<std::string, std::shared_ptr<RunningPull>>> running;
  struct Unreachable {
    base::MonotonicTime since;
    std::string why;
  };
  base::Guarded<std::map<std::string, Unreachable>> unreachable;  // by registry
  BackgroundTasks tasks{kPullsAtATime};

  State(ImageStore& imageStore, ImagePullerOptions given) : store(imageStore), options(std::move(given)) {}

  Wanted want(std::string_view name, PullPolicy policy, const json::Object& podLogins) const {
    auto reference = ImageReference::parse(name);
    if (!reference) throw invalidName(name);
    Wanted wanted{*reference, policy, Registries::read(options.registriesFile).endpointsFor(*reference), {}, {}};
    std::vector<std::string> hosts;
    for (const RegistryEndpoint& endpoint : wanted.endpoints) hosts.push_back(endpoint.host);
    wanted.logins = loginsFor(hosts, podLogins);
    wanted.login = hashOf(wanted.logins);
    return wanted;
  }

  std::optional<RegistryAnswer> remembered(const ImageReference& reference) {
    auto now = options.clock.monotonicNow();
    return unreachable.with([&](auto& known) -> std::optional<RegistryAnswer> {
      auto found = known.find(reference.registry);
      if (found == known.end() || now - found->second.since > kUnreachableMemory) return std::nullopt;
      return RegistryAnswer{RegistryAnswer::Kind::kUnreachable, found->second.why};
    });
  }

  RegistryAnswer ask(ImageFetch& fetch, const Wanted& wanted, const std::optional<Image>& stored) {
    bool fallback = stored && stored->source == ImageSource::kImported;
    if (auto known = fallback ? remembered(wanted.reference) : std::nullopt) return *known;
    try {
      return {RegistryAnswer::Kind::kDigest, fetch.ask(fallback ? kAskTimeout : milliseconds(kDigestTimeout))};
    } catch (const SkopeoError& error) {
      if (!error.unreachable) return {RegistryAnswer::Kind::kRefused, error.what()};
      unreachable.with([&](auto& known) {
        known[wanted.reference.registry] = {options.clock.monotonicNow(), error.what()};
      });
      return {RegistryAnswer::Kind::kUnreachable, error.what()};
    }
  }

  // Before anything is fetched: a disk that is filled to the last block harms all pods.
  void requireRoom(ImageFetch& fetch) const {
    uint64_t needed = fetch.missingBytes();
    uint64_t room = readDiskSpace(store.directory()).forImages();
    if (needed <= room) return;
    if (options.makeRoom) options.makeRoom(needed - room);
    room = readDiskSpace(store.directory()).forImages();
    if (needed <= room) return;
    throw PullError("ErrImagePull",
                    fmt::format("the image needs {} and the disk has {} left for images: no space left on device",
                                humanBytes(needed), humanBytes(room)));
  }

  Image fetchInTurn(ImageFetch& fetch, const Wanted& wanted) {
    fetch.setPhase(PullProgress::Phase::kWaitingForOthers);
    slots.acquire();
    struct Release {
      State& state;
      ~Release() { state.slots.release(); }
    } release{*this};
    if (stopping.stop_requested()) throw PullError("ErrImagePull", "the node agent is stopping");
    requireRoom(fetch);
    return fetch.fetch(wanted.login);
  }

  PullResult pullNow(RunningPull& pull, const Wanted& wanted) {
    auto stored = store.find(wanted.reference.text());
    auto elapsed = [&] { return duration_cast<milliseconds>(options.clock.monotonicNow() - pull.started); };
    RegistryAnswer answer = ask(pull.fetch, wanted, stored);
    switch (decidePull(wanted.policy, stored, wanted.login, answer)) {
      case PullStep::kUseStored:
        store.allow(stored->name, wanted.login);
        return {*stored, PullResult::How::kChecked, elapsed(), elapsed()};
      case PullStep::kUseImported:
        return {*stored, PullResult::How::kFallback, elapsed(), elapsed()};
      case PullStep::kPull:
        break;
      default:
        throw refused(wanted, answer);
    }
    Image image = fetchInTurn(pull.fetch, wanted);
    return {image, PullResult::How::kPulled, elapsed(), elapsed()};
  }

  static PullError refused(const Wanted& wanted, const RegistryAnswer& answer) {
    if (answer.kind != RegistryAnswer::Kind::kUnreachable) return {"ErrImagePull", answer.text};
    return {"RegistryUnavailable", fmt::format("image pull failed for {} because the registry is unavailable: {}",
                                               wanted.reference.text(), answer.text)};
  }

  void run(RunningPull& pull, const Wanted& wanted) {
    try {
      pull.promise.set_value(pullNow(pull, wanted));
    } catch (const PullError&) {
      pull.promise.set_exception(std::current_exception());
    } catch (const std::exception& error) {
      pull.promise.set_exception(std::make_exception_ptr(PullError("ErrImagePull", error.what())));
    }
  }

  // The pull that runs for the same image and login, or a new one.
  std::shared_ptr<RunningPull> join(const Wanted& wanted) {
    std::string key = wanted.reference.text() + " " + wanted.login;
    auto [pull, mine] = running.with([&](auto& all) {
      auto& entry = all[key];
      bool fresh = !entry;
      if (fresh) {
        entry = std::make_shared<RunningPull>(store, wanted, stopping.get_token(), options.clock.monotonicNow());
      }
      return std::pair(entry, fresh);
    });
    if (!mine) return pull;
    tasks.run([this, key, wanted, pull = pull](const std::stop_token&) {
      run(*pull, wanted);
      running.with([&](auto& all) { all.erase(key); });
    });
    return pull;
  }
};

ImagePuller::ImagePuller(ImageStore& store, ImagePullerOptions options)
    : state_(std::make_unique<State>(store, std::move(options))) {}
ImagePuller::~ImagePuller() { stop(); }

void ImagePuller::stop() { state_->stopping.request_stop(); }

std::optional<Image> ImagePuller::findWithoutPull(std::string_view name, PullPolicy policy,
                                                  const json::Object& logins) const {
  auto stored = state_->store.find(name);
  if (!stored) return std::nullopt;
  std::string login = stored->logins.empty() ? "" : state_->want(name, policy, logins).login;
  if (decidePull(policy, stored, login, std::nullopt) != PullStep::kUseStored) return std::nullopt;
  state_->store.noteUse(stored->name);
  return stored;
}

PullResult ImagePuller::pull(std::string_view name, PullPolicy policy, const json::Object& logins,
                             const PullWatcher& watcher) {
  auto started = state_->options.clock.monotonicNow();
  Wanted wanted = [&] {
    try {
      return state_->want(name, policy, logins);
    } catch (const PullError&) {
      throw;
    } catch (const std::exception& error) {
      throw PullError("ErrImagePull", error.what());
    }
  }();
  auto stored = state_->store.find(name);
  PullStep first = decidePull(policy, stored, wanted.login, std::nullopt);
  if (first == PullStep::kUseStored) return {*stored, PullResult::How::kPresent};
  if (first != PullStep::kAsk) throw neverPull(first, name);
  auto pull = state_->join(wanted);
  milliseconds wait = watcher.first;
  while (watcher.say && pull->result.wait_for(wait) != std::future_status::ready) {
    auto elapsed = duration_cast<std::chrono::seconds>(state_->options.clock.monotonicNow() - started);
    watcher.say(renderProgress(pull->fetch.progress(), elapsed));
    wait = std::min(wait * 2, watcher.longest);
  }
  PullResult result = pull->result.get();
  result.waiting = duration_cast<milliseconds>(state_->options.clock.monotonicNow() - started);
  return result;
}

}  // namespace wherry::kubelet

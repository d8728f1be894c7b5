// The part of a pod's worker that gets containers going: image, launch, probes, postStart.
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/images/pull_secrets.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/probes/lifecycle_hook.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

// A hook may take as long as its container lives; this only bounds the thread that waits for it.
constexpr std::chrono::hours kPostStartLimit{24};
// The event "Pulling" is there at once; these say how it goes on.
constexpr milliseconds kFirstProgress{2'000};
constexpr milliseconds kLastProgress{30'000};
constexpr milliseconds kJudgedWithin{200};
constexpr int kFirstJudgementTurns = 50;  // of as long

std::string inSeconds(milliseconds time) {
  if (time.count() < 1000) return fmt::format("{}ms", time.count());
  return fmt::format("{}.{:03}s", time.count() / 1000, time.count() % 1000);
}

std::string pulledMessage(const PullResult& result, std::string_view image) {
  switch (result.how) {
    case PullResult::How::kPresent:
      return fmt::format("Container image \"{}\" already present on machine and can be accessed by the pod", image);
    case PullResult::How::kFallback:
      return fmt::format(
          "Container image \"{}\" was imported by hand and is used, because its registry can't be reached", image);
    default:
      return fmt::format("Successfully pulled image \"{}\" in {} ({} including waiting). Image size: {} bytes.", image,
                         inSeconds(result.pulling), inSeconds(result.waiting), result.image.size);
  }
}

struct PullJob {
  meta::ObjectPtr pod;
  std::string container;
  std::string image;
  std::string fieldPath;
  PullPolicy policy;
};

// A Secret that is missing is left out, as Kubernetes does: the image may be public.
struct PullSecrets {
  json::Object logins;
  std::vector<std::string> missing;
};

PullSecrets pullSecrets(const core_v1::Pod& pod, const ObjectLookup& lookup) {
  std::vector<meta::ObjectPtr> secrets;
  PullSecrets out;
  for (auto reference : pod.spec().imagePullSecrets()) {
    if (auto secret = lookup.secret(pod.metadata().ns(), reference.name())) {
      secrets.push_back(secret);
    } else {
      out.missing.emplace_back(reference.name());
    }
  }
  out.logins = mergePullSecrets(secrets);
  return out;
}

// The event's name for a reason, as upstream has them.
const char* failedPullEvent(const std::string& reason) {
  if (reason == "InvalidImageName") return "InspectFailed";
  return reason == "ErrImageNeverPull" ? "ErrImageNeverPull" : "Failed";
}

PodNews pullFailed(PodWorkersOptions& options, const PullJob& job, const std::string& reason,
                   const std::string& message) {
  bool tried = isFailedPull(reason);
  options.events.record(*job.pod, client::Severity::kWarning, failedPullEvent(reason),
                        tried ? fmt::format("Failed to pull image \"{}\": {}", job.image, message) : message,
                        job.fieldPath);
  options.events.record(*job.pod, client::Severity::kWarning, "Failed", "Error: " + reason, job.fieldPath);
  return [=, name = job.container, now = options.clock.now()](PodState& state) {
    state.pulling.erase(name);
    auto before = state.failures.find(name);
    auto last = before == state.failures.end() ? std::nullopt : std::optional(before->second);
    state.failures[name] = Failure::next(last, reason, message, now);
  };
}

// Blocks for the whole pull, and answers what the pod's worker is to know of it.
PodNews pullNow(PodWorkersOptions& options, const PullJob& job) {
  try {
    PullSecrets secrets = pullSecrets(core_v1::Pod(job.pod), options.lookup);
    if (!secrets.missing.empty()) {
      options.events.record(*job.pod, client::Severity::kWarning, "FailedToRetrieveImagePullSecret",
                            fmt::format("Unable to retrieve some image pull secrets ({}); attempting to pull the image "
                                        "may not succeed.",
                                        base::join(secrets.missing, ", ")));
    }
    PullWatcher watcher{[&](const std::string& progress) {
                          options.events.record(*job.pod, client::Severity::kNormal, "Pulling",
                                                fmt::format("Pulling image \"{}\": {}", job.image, progress),
                                                job.fieldPath);
                        },
                        kFirstProgress, kLastProgress};
    PullResult result = options.puller.pull(job.image, job.policy, secrets.logins, watcher);
    options.events.record(*job.pod, client::Severity::kNormal, "Pulled", pulledMessage(result, job.image),
                          job.fieldPath);
    return [name = job.container, image = result.image](PodState& state) {
      state.pulling.erase(name);
      state.images[name] = image;
    };
  } catch (const PullError& error) {
    return pullFailed(options, job, error.reason, error.what());
  } catch (const std::exception& error) {
    return pullFailed(options, job, "ErrImagePull", error.what());
  }
}

// What an earlier life of ours has written of this very container; a pod that serves goes on serving meanwhile.
std::optional<ProbeVerdict> writtenVerdict(const core_v1::Pod& pod, const ContainerRecord& record) {
  for (auto statuses : {pod.status().containerStatuses(), pod.status().initContainerStatuses()}) {
    for (auto status : statuses) {
      if (!status.containerID().ends_with("//" + record.id())) continue;
      return ProbeVerdict{.started = status.started(), .ready = status.ready()};
    }
  }
  return std::nullopt;
}

}  // namespace

json::Object pullLogins(const core_v1::Pod& pod, const ObjectLookup& lookup) { return pullSecrets(pod, lookup).logins; }

std::optional<Image> PodWorker::findImage(const core_v1::Container& container, const StartContainer& action) {
  if (auto found = state_->images.find(action.name); found != state_->images.end()) {
    Image image = found->second;
    state_->images.erase(found);
    return image;
  }
  PullPolicy policy = parsePullPolicy(container.imagePullPolicy(), container.image());
  auto logins = pullLogins(pod_, options_.lookup);
  if (auto image = options_.puller.findWithoutPull(container.image(), policy, logins)) {
    recordEvent(client::Severity::kNormal, "Pulled", pulledMessage({.image = *image}, container.image()),
                fieldPathOf(action.name, action.kind));
    return image;
  }
  pullInBackground(container, action.kind);
  return std::nullopt;
}

void PodWorker::pullInBackground(const core_v1::Container& container, ContainerKind kind) {
  PullJob job{pod_.object(), std::string(container.name()), std::string(container.image()),
              fieldPathOf(container.name(), kind), parsePullPolicy(container.imagePullPolicy(), container.image())};
  if (!state_->pulling.insert(job.container).second) return;
  if (job.policy != PullPolicy::kNever && !options_.images.find(job.image)) {
    recordEvent(client::Severity::kNormal, "Pulling", fmt::format("Pulling image \"{}\"", job.image), job.fieldPath);
  }
  parts_.background.run(
      [job, &options = options_, &queue = parts_.queue, inbox = state_->inbox, uid = uid_](const std::stop_token&) {
        PodNews news = pullNow(options, job);
        inbox->with([&](auto& waiting) { waiting.push_back(std::move(news)); });
        queue.add(uid);
      });
}

void PodWorker::startFailed(const std::string& container, std::string reason, std::string message) {
  auto before = state_->failures.find(container);
  auto last = before == state_->failures.end() ? std::nullopt : std::optional(before->second);
  state_->failures[container] = Failure::next(last, std::move(reason), std::move(message), options_.clock.now());
}

// What is allowed to a pod holds from its first packet on: its address is in its status before a container runs, and
// NetworkPolicies have been applied to that. Where it takes longer the kernel drops what the pod sends until then; but
// not before there is a table at all, so the pod must wait for the first one. False: it mustn't start yet.
bool PodWorker::awaitJudgement() {
  if (state_->judged || !options_.judged || pod_.spec().hostNetwork()) return true;
  if (*options_.judged->load() != INT64_MAX) {
    writeStatus(observe());
    auto isIn = [revision = pod_.object()->revision()](int64_t judged) { return judged >= revision; };
    options_.judged->waitUntil(isIn, kJudgedWithin);
    auto stop = parts_.background.stopToken();
    for (int turn = 1; *options_.judged->load() == 0 && turn < kFirstJudgementTurns && !stop.stop_requested(); ++turn) {
      options_.judged->waitUntil(isIn, kJudgedWithin);
    }
    if (*options_.judged->load() == 0) return false;
  }
  return state_->judged = true;
}

PodWorker::Progress PodWorker::on(const StartContainer& action) {
  if (!awaitJudgement()) {
    startFailed(action.name, "NetworkNotReady", "NetworkPolicies are not in force on this node yet");
    return Progress::kMade;
  }
  auto found = findContainer(pod_, action.name);
  if (!found) return Progress::kNone;
  const core_v1::Container& container = found->spec;
  auto image = findImage(container, action);
  if (!image) return Progress::kNone;
  try {
    auto record = parts_.launcher.launch({pod_, container, action, *image, *state_->sandbox, facts()});
    state_->failures.erase(action.name);
    if (record.state() == ContainerRecord::State::kRunning) runPostStart(container, record);
  } catch (const LaunchError& error) {
    startFailed(action.name, error.reason, error.what());
  }
  return Progress::kMade;
}

ProbeTarget PodWorker::probeTarget(const core_v1::Container& container, const ContainerRecord& record) const {
  auto exec = [&containers = options_.containers, record, stop = parts_.background.stopToken()](
                  const std::vector<std::string>& argv, milliseconds timeout) {
    return containers.exec(record, argv, timeout, stop);
  };
  return {std::string(primaryIp(state_->sandbox ? state_->sandbox->ip : "")), container, exec};
}

// Once for each container that is up, also for one that was started by an earlier process of ours.
void PodWorker::startProbes(const ContainerRecord& record, Launched launched) {
  auto container = findContainer(pod_, record.name);
  if (!container || !state_->probed.insert(record.id()).second) return;
  parts_.prober.add({record.id(), pod_, record.startedAt.value_or(record.createdAt),
                     probeTarget(container->spec, record),
                     launched == Launched::kBefore ? writtenVerdict(pod_, record) : std::nullopt});
}

// Until the hook has ended well, the container isn't up and nobody probes it; one that fails ends its container.
void PodWorker::runPostStart(const core_v1::Container& container, const ContainerRecord& record) {
  auto hook = container.lifecycle().postStart();
  if (!hook) return;
  state_->postStart[record.id()] = {};
  auto run = [hook, record, target = probeTarget(container, record), options = &options_, pod = pod_,
              inbox = state_->inbox, queue = &parts_.queue](const std::stop_token& stop) {
    ProbeAnswer answer = runHook(hook, target, podDescription(pod), kPostStartLimit, stop);
    if (!answer.success) {
      options->events.record(*pod.object(), client::Severity::kWarning, "FailedPostStartHook", "PostStartHook failed",
                             fieldPathOf(record.name, record.kind));
    }
    inbox->with([&](auto& waiting) {
      waiting.push_back([id = record.id(), answer](PodState& state) {
        if (answer.success)
          state.postStart.erase(id);
        else if (state.postStart.contains(id))
          state.postStart[id] = {true, answer.output};
      });
    });
    queue->add(record.podUid);
  };
  parts_.background.run(run);
}

}  // namespace wherry::kubelet

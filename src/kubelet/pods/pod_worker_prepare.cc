// The part of a pod's worker that makes what its containers share: sandbox, volumes, files in /etc.
#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/runtime/pod_paths.h"
#include "kubelet/volumes/object_uses.h"
#include "kubelet/volumes/volumes.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

constexpr const char* kNodeHosts = "/etc/hosts";
// The change of the VolumeAttachment brings the pod back before.
constexpr std::chrono::hours kUntilAttached{1};
constexpr size_t kMaxHostname = 64;  // the kernel's
// The node's own resolver; a stub on a loopback address would lead a pod to itself, what stands behind it is there.
constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr const char* kBehindStub = "/run/systemd/resolve/resolv.conf";

// Without the cluster DNS, which `wherry server --resolve-on-host` puts there for the node's own programs.
ResolvConf nodeResolvConf(const std::string& clusterDns) {
  ResolvConf conf = parseResolvConf(base::readFileIfExists(kResolvConf).value_or(""));
  std::erase(conf.nameservers, clusterDns);
  bool stub = false;
  for (const std::string& server : conf.nameservers) stub = stub || server == "127.0.0.53";
  auto behind = stub ? base::readFileIfExists(kBehindStub) : std::nullopt;
  return behind ? parseResolvConf(*behind) : conf;
}

}  // namespace

std::string mountFailed(const VolumeError& error) {
  return fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", error.volume, error.what());
}

void PodWorker::setUpSandbox() {
  bool had = state_->sandbox.has_value();
  bool earlier = !options_.containers.list(uid_).empty();
  if (!had && earlier) {
    recordEvent(client::Severity::kNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
  }
  std::string hostname = podHostname(pod_, options_.dns.domain);
  if (hostname.size() > kMaxHostname) {
    throw std::runtime_error(
        fmt::format("Failed to construct FQDN from Pod hostname and cluster domain, FQDN {} is too "
                    "long ({} characters is the max, {} characters requested)",
                    hostname, kMaxHostname, hostname.size()));
  }
  state_->sandbox = options_.sandboxes.create(pod_, hostname);
}

void PodWorker::writeSandboxFiles() {
  PodPaths paths = options_.containers.pathsOf(uid_);
  std::string nodeHosts = pod_.spec().hostNetwork() ? base::readFileIfExists(kNodeHosts).value_or("") : "";
  auto writeIfMissing = [](const std::string& path, const std::string& content) {
    // Containers have it mounted: a new file would not be theirs.
    if (base::readFileIfExists(path) != content) base::writeFileAtomic(path, content);
  };
  writeIfMissing(paths.hosts(), renderHosts(pod_, state_->sandbox->ip, options_.dns.domain, nodeHosts));
  writeIfMissing(paths.hostname(), podHostname(pod_, options_.dns.domain) + "\n");
  writeIfMissing(paths.resolvConf(),
                 renderResolvConf(podResolvConf(pod_, options_.dns, nodeResolvConf(options_.dns.address))));
}

namespace {

meta::ObjectPtr requestAnyToken(client::Client& client, const core_v1::Pod& pod, std::string_view audience,
                                int64_t seconds) {
  const auto metadata = pod.metadata();
  json::Object spec{
      {"expirationSeconds", seconds},
      {"boundObjectRef",
       json::Object{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", metadata.name()}, {"uid", metadata.uid()}}}};
  if (!audience.empty()) spec["audiences"] = json::Array{json::Value(audience)};
  json::Object request{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", std::move(spec)}};
  const std::string_view account = pod.spec().serviceAccountName();
  return client.createSubresource(core_v1::ServiceAccount::kResource(), metadata.ns(),
                                  account.empty() ? "default" : account, "token", request);
}

}  // namespace

IssuedToken PodWorker::requestToken(const core_v1::ServiceAccountTokenProjection& wanted) {
  auto answer = requestAnyToken(options_.client, pod_, wanted.audience(), wanted.expirationSeconds());
  // The server may have given it less time.
  auto end = meta::parseTime(json::getString(answer->tree(), "status.expirationTimestamp"));
  return {std::string(json::getString(answer->tree(), "status.token")),
          end.value_or(options_.clock.now() + std::chrono::seconds(wanted.expirationSeconds()))};
}

json::Object requestDriverToken(client::Client& client, const core_v1::Pod& pod, std::string_view audience,
                                int64_t seconds) {
  auto answer = requestAnyToken(client, pod, audience, seconds);
  return {{"token", json::getString(answer->tree(), "status.token")},
          {"expirationTimestamp", json::getString(answer->tree(), "status.expirationTimestamp")}};
}

VolumeSources PodWorker::volumeSources() {
  auto token = [this](const auto& wanted) {
    return state_->tokens.get(wanted, options_.clock.now(), [this](const auto& w) { return requestToken(w); });
  };
  return {facts(), options_.lookup, token};
}

void PodWorker::volumesShowNow() {
  state_->volumesStale = false;
  state_->shownOfPod = downwardDigest(pod_);
  state_->refreshFailure.reset();
}

// What fails here changes nothing for the containers: they see what was there before.
PodWorker::Progress PodWorker::on(const RefreshVolumes&) {
  try {
    expandStorage();
    refreshVolumes(pod_, options_.containers.pathsOf(uid_), volumeSources());
    volumesShowNow();
    return Progress::kMade;
  } catch (const VolumeError& error) {
    std::string message = mountFailed(error);
    recordEvent(client::Severity::kWarning, "FailedMount", message);
    state_->volumesStale = true;  // also when it was a token's time
    state_->refreshFailure = Failure::next(state_->refreshFailure, "FailedMount", message, options_.clock.now());
  }
  return Progress::kMade;
}

PodWorker::Progress PodWorker::on(const Prepare&) {
  std::string reason = "FailedCreatePodSandBox", message;
  try {
    setUpSandbox();
    writeSandboxFiles();
    base::faultPoint("pod-files-written");
    takeClaims();
    if (!mountStorage()) return Progress::kNone;
    setUpVolumes(pod_, options_.containers.pathsOf(uid_), volumeSources());
    volumesShowNow();
    expandStorage();
    base::faultPoint("pod-prepared");
    state_->prepared = true;
    state_->prepareFailure.reset();
    return Progress::kMade;
  } catch (const AwaitsAttachment& error) {
    state_->prepareFailure = Failure{"AwaitsAttachment", error.what(), options_.clock.now(), kUntilAttached};
    return Progress::kMade;
  } catch (const VolumeError& error) {
    reason = "FailedMount";
    message = mountFailed(error);
  } catch (const std::exception& error) {
    message = fmt::format("Failed to create pod sandbox: {}", error.what());
  }
  recordEvent(client::Severity::kWarning, reason, message);
  state_->prepareFailure = Failure::next(state_->prepareFailure, reason, message, options_.clock.now());
  return Progress::kMade;
}

}  // namespace wherry::kubelet

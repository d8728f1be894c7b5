// The part of a pod's worker that makes what its containers share: sandbox, volumes, files in /etc.
#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/runtime/pod_paths.h"
#include "kubelet/volumes/volumes.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

constexpr const char* kNodeHosts = "/etc/hosts";
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

IssuedToken PodWorker::requestToken(const core_v1::ServiceAccountTokenProjection& wanted) {
  json::Object spec{
      {"expirationSeconds", wanted.expirationSeconds()},
      {"boundObjectRef",
       json::Object{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod_.metadata().name()}, {"uid", uid_}}}};
  if (!wanted.audience().empty()) spec["audiences"] = json::Array{json::Value(wanted.audience())};
  json::Object request{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", std::move(spec)}};
  std::string_view account = pod_.spec().serviceAccountName();
  auto answer = options_.client.createSubresource(core_v1::ServiceAccount::kResource(), pod_.metadata().ns(),
                                                  account.empty() ? "default" : account, "token", request);
  // The server may have given it less time.
  auto end = meta::parseTime(json::getString(answer->tree(), "status.expirationTimestamp"));
  return {std::string(json::getString(answer->tree(), "status.token")),
          end.value_or(options_.clock.now() + std::chrono::seconds(wanted.expirationSeconds()))};
}

PodWorker::Progress PodWorker::on(const Prepare&) {
  std::string reason = "FailedCreatePodSandBox", message;
  try {
    setUpSandbox();
    writeSandboxFiles();
    base::faultPoint("pod-files-written");
    auto token = [this](const auto& wanted) {
      return state_->tokens.get(wanted, options_.clock.now(), [this](const auto& w) { return requestToken(w); });
    };
    setUpVolumes(pod_, options_.containers.pathsOf(uid_), {facts(), options_.lookup, token});
    base::faultPoint("pod-prepared");
    state_->prepared = true;
    state_->prepareFailure.reset();
    return Progress::kMade;
  } catch (const VolumeError& error) {
    reason = "FailedMount";
    message = fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", error.volume, error.what());
  } catch (const std::exception& error) {
    message = fmt::format("Failed to create pod sandbox: {}", error.what());
  }
  recordEvent(client::Severity::kWarning, reason, message);
  state_->prepareFailure = Failure::next(state_->prepareFailure, reason, message, options_.clock.now());
  return Progress::kMade;
}

}  // namespace wherry::kubelet

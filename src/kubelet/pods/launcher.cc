#include "kubelet/pods/launcher.h"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/pods/environment.h"
#include "kubelet/runtime/capabilities.h"
#include "kubelet/runtime/host_devices.h"
#include "kubelet/runtime/oci_spec.h"
#include "kubelet/runtime/pod_init.h"
#include "kubelet/runtime/start_error.h"
#include "kubelet/volumes/block_device.h"
#include "kubelet/volumes/volumes.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kMaxDatabase = 1 << 20;  // bytes of the image's passwd and group

// A file of the container's root, whatever links the image put in its way.
std::string readInRoot(const std::string& rootfs, const char* path) {
  base::Fd root(::open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  base::Fd file(static_cast<int>(::syscall(SYS_openat2, root.get(), path, &how, sizeof how)));
  std::string text;
  char buffer[16384];
  while (file && text.size() < kMaxDatabase) {
    ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

// A seccomp profile of the administrator's, for containers that ask for it by name.
json::Object readProfile(const std::string& file) {
  auto text = base::readFileIfExists(file);
  if (!text)
    throw std::runtime_error(fmt::format("cannot load seccomp profile \"{}\": no such file or directory", file));
  try {
    return json::parse(*text).as_object();
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("decoding seccomp profile \"{}\" failed: {}", file, error.what()));
  }
}

// What every container sees of its pod, but where it has a mount of its own in the place.
std::vector<ContainerMount> podMounts(const core_v1::Pod& pod, const PodPaths& paths,
                                      const core_v1::Container& container, const std::string& terminationLog) {
  std::string message(container.terminationMessagePath());
  if (message.empty()) message = "/dev/termination-log";
  return {{"/etc/hosts", paths.hosts()},
          {"/etc/hostname", paths.hostname()},
          {"/etc/resolv.conf", paths.resolvConf()},
          {"/dev/shm", pod.spec().hostIPC() ? "/dev/shm" : paths.shm()},
          {message, terminationLog}};
}

std::vector<ContainerMount> mergeMounts(std::vector<ContainerMount> pod, std::vector<ContainerMount> own) {
  std::erase_if(pod, [&](const ContainerMount& mount) {
    return std::any_of(own.begin(), own.end(), [&](auto& other) { return other.target == mount.target; });
  });
  pod.insert(pod.end(), own.begin(), own.end());
  // What lies deeper is mounted later, so that nothing hides it.
  std::stable_sort(pod.begin(), pod.end(), [](auto& a, auto& b) {
    return std::count(a.target.begin(), a.target.end(), '/') < std::count(b.target.begin(), b.target.end(), '/');
  });
  return pod;
}

std::string stopSignalOf(const core_v1::Container& container, const Image& image) {
  std::string_view asked = container.lifecycle().stopSignal();
  return asked.empty() ? image.config.stopSignal : std::string(asked);
}

}  // namespace

Launcher::Launcher(Containers& containers, ImageStore& images, client::EventRecorder& events, ObjectLookup lookup,
                   std::string dataDir, std::string logDir, std::string clusterDomain, int64_t memoryCapacity)
    : containers_(containers),
      images_(images),
      events_(events),
      lookup_(std::move(lookup)),
      dataDir_(std::move(dataDir)),
      logDir_(std::move(logDir)),
      clusterDomain_(std::move(clusterDomain)),
      memoryCapacity_(memoryCapacity),
      bounding_(boundingCapabilities()) {}

// The processes that the container is to see beside its own: the pod's when they are shared, those of the container
// that an ephemeral one names.
base::Fd Launcher::openProcesses(const LaunchRequest& request) const {
  if (request.sandbox.sharedProcesses) {
    return openPodProcesses(containers_.crun(), containers_.pathsOf(request.sandbox.uid));
  }
  bool ephemeral = request.action.kind == ContainerKind::kEphemeral;
  core_v1::EphemeralContainer container(&request.container.tree());
  std::string_view name = ephemeral ? container.targetContainerName() : std::string_view();
  if (name.empty()) return {};
  const ContainerRecord* newest = nullptr;
  auto records = containers_.list(request.pod.metadata().uid());
  for (const ContainerRecord& record : records) {
    if (record.name == name && (!newest || record.attempt > newest->attempt)) newest = &record;
  }
  if (!newest) throw ConfigError(fmt::format("unable to find target container {}", name));
  base::Fd ns = containers_.openPidNamespace(*newest);
  if (!ns) throw ConfigError(fmt::format("target container {} is not running", name));
  return ns;
}

NewContainer Launcher::prepare(const LaunchRequest& request, const base::Fd& pidNamespace) const {
  auto metadata = request.pod.metadata();
  const StartContainer& action = request.action;
  NewContainer out;
  out.record = {
      .podUid = std::string(metadata.uid()),
      .name = action.name,
      .attempt = action.attempt,
      .kind = action.kind,
      .sandboxAttempt = request.sandbox.attempt,
      .image = std::string(request.container.image()),
      .imageId = request.image.imageId(),
      .stopSignal = stopSignalOf(request.container, request.image),
      .log = fmt::format("{}/{}/{}.log", podLogDirectory(logDir_, metadata.ns(), metadata.name(), metadata.uid()),
                         action.name, action.attempt),
      .specHash = specHashOf(request.container),
      .fallbackToLogs = request.container.terminationMessagePolicy() == "FallbackToLogsOnError",
      .crashDelay = action.crashDelay};
  out.lower = images_.lowerDirectories(request.image);
  out.terminal = request.container.tty();
  out.stdin = request.container.stdin();
  out.stdinOnce = request.container.stdinOnce();
  out.spec = [this, &request, &pidNamespace, record = out.record](const std::string& rootfs) {
    return spec(request, record, rootfs, pidNamespace);
  };
  return out;
}

json::Value Launcher::spec(const LaunchRequest& request, const ContainerRecord& record, const std::string& rootfs,
                           const base::Fd& pidNamespace) const {
  const core_v1::Pod& pod = request.pod;
  PodPaths paths = containers_.pathsOf(record.podUid);
  auto environment = resolveEnvironment(pod, request.container, request.image.config, request.facts, lookup_,
                                        podHostname(pod, clusterDomain_));
  SpecInput input{.pod = pod, .container = request.container, .image = request.image.config};
  UserDatabase users{readInRoot(rootfs, "etc/passwd"), readInRoot(rootfs, "etc/group")};
  input.user = containerUser(pod, request.container, request.image.config, users);
  if (auto why = findRootViolation(pod, request.container, request.image.config)) throw ConfigError(*why);
  input.env = environment.lines();
  input.arguments = resolveArguments(request.container, request.image.config, environment);
  input.mounts = mergeMounts(podMounts(pod, paths, request.container, containers_.terminationLog(record)),
                             volumeMounts(pod, request.container, paths, environment, lookup_));
  auto files = paths.namespaceFiles();
  if (pod.spec().hostNetwork()) files.net = files.uts = "";
  if (pod.spec().hostIPC()) files.ipc = "";
  input.namespaces = files;
  if (pidNamespace) input.pidNamespace = fmt::format("/proc/{}/fd/{}", ::getpid(), pidNamespace.get());
  input.rootfs = rootfs;
  input.cgroupsPath = paths.containerCgroup(record.name, record.attempt);
  input.bounding = bounding_;
  input.memoryCapacity = memoryCapacity_;
  input.cgroupVersion = containers_.crun().cgroups().version;
  if (request.container.securityContext().privileged()) input.devices = hostDevices();
  input.blockDevices = volumeDevices(pod, request.container, lookup_);
  std::string profile = seccompProfileOf(pod, request.container);
  if (!profile.empty()) input.seccompProfile = readProfile(dataDir_ + "/seccomp/" + profile);
  return renderSpec(input);
}

ContainerRecord Launcher::launch(const LaunchRequest& request) {
  std::string fieldPath = fieldPathOf(request.action.name, request.action.kind);
  auto record = [&](client::Severity severity, const char* reason, std::string message) {
    events_.record(*request.pod.object(), severity, reason, std::move(message), fieldPath);
  };
  auto fail = [&](const char* reason, const std::string& why) {
    record(client::Severity::kWarning, "Failed", "Error: " + why);
    return LaunchError(reason, why);
  };
  try {
    base::Fd pidNamespace = openProcesses(request);
    ContainerRecord created = containers_.create(prepare(request, pidNamespace));
    record(client::Severity::kNormal, "Created", "Container created");
    ContainerRecord started = containers_.start(created);
    record(client::Severity::kNormal, "Started", "Container started");
    return started;
  } catch (const ConfigError& error) {
    throw fail("CreateContainerConfigError", error.what());
  } catch (const StartError& error) {
    record(client::Severity::kWarning, "Failed", std::string("Error: ") + error.what());
    return containers_.find(request.pod.metadata().uid(), request.action.name, request.action.attempt)
        .value_or(ContainerRecord{});
  } catch (const std::exception& error) {
    throw fail("CreateContainerError", error.what());
  }
}

}  // namespace wherry::kubelet

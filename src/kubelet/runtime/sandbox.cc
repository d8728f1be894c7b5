#include "kubelet/runtime/sandbox.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/strings.h"
#include "json/value.h"
#include "kubelet/runtime/container_resources.h"
#include "kubelet/runtime/pod_init.h"
#include "kubelet/runtime/pod_paths.h"
#include "linux/listeners.h"
#include "linux/mounts.h"
#include "linux/namespaces.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxHostname = 64;  // the kernel's

SandboxRecord parseSandbox(const std::string& text) {
  json::Value tree = json::parse(text);
  auto field = [&](std::string_view key) { return std::string(json::getString(tree, key)); };
  return {field("uid"),
          field("namespace"),
          field("name"),
          field("ip"),
          json::getBool(tree, "hostNetwork"),
          json::getBool(tree, "sharedProcesses"),
          static_cast<int>(json::getInt(tree, "attempt"))};
}

void writeSandbox(const PodPaths& paths, const SandboxRecord& record) {
  json::Object tree{{"uid", record.uid},
                    {"namespace", record.ns},
                    {"name", record.name},
                    {"ip", record.ip},
                    {"hostNetwork", record.hostNetwork},
                    {"sharedProcesses", record.sharedProcesses},
                    {"attempt", record.attempt}};
  base::writeFileAtomic(paths.sandboxRecord(), json::serialize(tree), 0600);
}

// A pod on the host network keeps the node's network and name.
linux::SharedNamespaces namespacesOf(const PodPaths& paths, bool hostNetwork, bool hostIpc) {
  auto files = paths.namespaceFiles();
  if (hostNetwork) files.net = files.uts = "";
  if (hostIpc) files.ipc = "";
  return files;
}

bool allStand(const linux::SharedNamespaces& files) {
  for (const std::string* file : {&files.net, &files.ipc, &files.uts}) {
    if (!file->empty() && !linux::isNamespace(*file)) return false;
  }
  return true;
}

void writeSysctl(const std::string& name, const std::string& value) {
  std::string path = "/proc/sys/" + base::replaceAll(name, ".", "/");
  base::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) base::throwErrno("sysctl " + name);
  base::writeAll(file.get(), value, "sysctl " + name);
}

// Runs in the new namespaces. Without the capability a container may still bind port 80 and send a ping, as elsewhere.
void prepareNamespaces(const core_v1::Pod& pod, const linux::SharedNamespaces& files, const std::string& hostname) {
  if (!files.uts.empty() && ::sethostname(hostname.data(), std::min(hostname.size(), kMaxHostname)) != 0) {
    base::throwErrno("sethostname");
  }
  if (!files.net.empty()) {
    writeSysctl("net.ipv4.ip_unprivileged_port_start", "0");
    writeSysctl("net.ipv4.ping_group_range", "0 2147483647");
  }
  for (auto sysctl : pod.spec().securityContext().sysctls()) {
    writeSysctl(std::string(sysctl.name()), std::string(sysctl.value()));
  }
}

// A sandbox without an address, on record before it is made.
SandboxRecord makeNamespaces(const core_v1::Pod& pod, const PodPaths& paths, const std::string& hostname) {
  auto metadata = pod.metadata();
  SandboxRecord record{std::string(metadata.uid()), std::string(metadata.ns()),        std::string(metadata.name()), {},
                       pod.spec().hostNetwork(),    pod.spec().shareProcessNamespace()};
  auto earlier = base::readFileIfExists(paths.sandboxRecord());
  if (earlier && !earlier->empty()) record.attempt = parseSandbox(*earlier).attempt + 1;
  base::makeDirectories(paths.root, 0711);
  base::makeDirectories(paths.root + "/etc");
  base::makeDirectories(paths.namespaces, 0700);
  base::faultPoint("sandbox-directories-made");
  writeSandbox(paths, record);
  base::faultPoint("sandbox-recorded");
  auto files = namespacesOf(paths, record.hostNetwork, pod.spec().hostIPC());
  for (const std::string* file : {&files.net, &files.ipc, &files.uts}) {
    if (!file->empty()) linux::removeNamespace(*file);
  }
  linux::createNamespaces(files, [&] { prepareNamespaces(pod, files, hostname); });
  base::faultPoint("sandbox-namespaces-made");
  return record;
}

void addHostPorts(const core_v1::Container& container, std::vector<network::HostPort>& into) {
  for (auto port : container.ports()) {
    if (port.hostPort() == 0) continue;
    std::string_view protocol = port.protocol();
    into.push_back({.hostIp = base::IpAddress::parse(port.hostIP()).value_or(base::IpAddress()),
                    .protocol = protocol == "UDP"    ? uint8_t{IPPROTO_UDP}
                                : protocol == "SCTP" ? uint8_t{IPPROTO_SCTP}
                                                     : uint8_t{IPPROTO_TCP},
                    .hostPort = static_cast<uint16_t>(port.hostPort()),
                    .containerPort = static_cast<uint16_t>(port.containerPort())});
  }
}

// Sorted; a port that two containers name is one.
std::vector<network::HostPort> hostPortsOf(const core_v1::Pod& pod) {
  std::vector<network::HostPort> ports;
  for (auto container : pod.spec().initContainers()) addHostPorts(container, ports);
  for (auto container : pod.spec().containers()) addHostPorts(container, ports);
  std::sort(ports.begin(), ports.end());
  auto same = [](const auto& a, const auto& b) {
    return std::tie(a.hostIp, a.protocol, a.hostPort) == std::tie(b.hostIp, b.protocol, b.hostPort);
  };
  ports.erase(std::unique(ports.begin(), ports.end(), same), ports.end());
  return ports;
}

void mountShm(const PodPaths& paths) {
  base::makeDirectories(paths.shm());
  auto mounts = linux::readMounts();
  bool mounted = std::any_of(mounts.begin(), mounts.end(), [&](auto& mount) { return mount.target == paths.shm(); });
  if (!mounted) linux::mountTmpfs(paths.shm(), "mode=1777,size=64m");
}

void addNames(const std::string& directory, std::set<std::string>& into) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) into.insert(entry.path().filename().string());
}

}  // namespace

Sandboxes::Sandboxes(SandboxOptions options) : options_(std::move(options)) {
  base::makeDirectories(options_.dataDir + "/pods", 0711);
  base::makeDirectories(options_.runDir + "/ns", 0700);
}

std::optional<SandboxRecord> Sandboxes::find(std::string_view uid) const {
  auto paths = PodPaths::of(options_.dataDir, options_.runDir, uid);
  auto text = base::readFileIfExists(paths.sandboxRecord());
  if (!text || text->empty()) return std::nullopt;
  SandboxRecord record = parseSandbox(*text);
  bool hostIpc = !fs::exists(paths.namespaceFiles().ipc);
  bool lost = hostIpc && !fs::exists(paths.namespaces);  // a reboot emptied the run directory
  if (record.ip.empty() || lost || !allStand(namespacesOf(paths, record.hostNetwork, hostIpc))) return std::nullopt;
  if (record.sharedProcesses && !openPodProcesses(*options_.crun, paths)) return std::nullopt;
  return record;
}

SandboxRecord Sandboxes::create(const core_v1::Pod& pod, const std::string& hostname) {
  auto paths = PodPaths::of(options_.dataDir, options_.runDir, pod.metadata().uid());
  if (!pod.spec().hostUsersOr(true)) {
    throw RuntimeError("spec.hostUsers is false, and user namespaces of pods are not supported here");
  }
  auto record = find(pod.metadata().uid());
  // The record of one that stands is not touched: containers rely on it at every moment.
  if (!record) {
    endPodInit(*options_.crun, pod.metadata().uid(), paths);
    record = makeNamespaces(pod, paths, hostname);
  }
  linux::CgroupLimits limits = podLimits(pod);
  limits.processes = options_.podPidsLimit;
  linux::limitCgroup(options_.crun->cgroups(), paths.cgroup, limits);
  base::faultPoint("sandbox-cgroup-made");
  mountShm(paths);
  base::faultPoint("sandbox-shm-mounted");
  if (record->sharedProcesses && !openPodProcesses(*options_.crun, paths)) {
    startPodInit(*options_.crun, options_.dataDir, record->uid, paths,
                 namespacesOf(paths, record->hostNetwork, pod.spec().hostIPC()));
    base::faultPoint("pod-init-started");
  }
  std::string ip = options_.nodeIp;
  if (!record->hostNetwork) ip = options_.network->attach(record->uid, paths.namespaceFiles().net, hostPortsOf(pod)).ip;
  if (std::exchange(record->ip, ip) != ip) writeSandbox(paths, *record);
  base::faultPoint("sandbox-address-recorded");
  return *record;
}

void Sandboxes::release(std::string_view uid) {
  auto paths = PodPaths::of(options_.dataDir, options_.runDir, uid);
  endPodInit(*options_.crun, uid, paths);
  options_.network->detach(std::string(uid));
  auto files = paths.namespaceFiles();
  for (const std::string* file : {&files.net, &files.ipc, &files.uts}) linux::removeNamespace(*file);
  fs::remove(paths.namespaces);
  base::faultPoint("namespaces-removed");
  linux::unmountBelow(paths.root);
  base::faultPoint("sandbox-mounts-removed");
  fs::remove_all(paths.volumes());
  base::faultPoint("sandbox-volumes-removed");
  linux::removeCgroup(options_.crun->cgroups(), paths.cgroup);
  base::faultPoint("sandbox-cgroup-removed");
}

void Sandboxes::remove(std::string_view uid) {
  release(uid);
  fs::remove_all(PodPaths::of(options_.dataDir, options_.runDir, uid).root);
  base::faultPoint("sandbox-files-removed");
}

bool Sandboxes::anyUnaccepted(std::string_view uid) const {
  std::string net = PodPaths::of(options_.dataDir, options_.runDir, uid).namespaceFiles().net;
  if (!linux::isNamespace(net)) return false;
  bool any = false;
  linux::runInNetworkNamespace(net, [&] { any = linux::anyUnaccepted(); });
  return any;
}

std::vector<std::string> Sandboxes::list() const {
  std::set<std::string> uids;
  addNames(options_.dataDir + "/pods", uids);
  addNames(options_.runDir + "/ns", uids);
  for (const auto& attachment : options_.network->list()) uids.insert(attachment.sandboxId);
  return {uids.begin(), uids.end()};
}

}  // namespace wherry::kubelet

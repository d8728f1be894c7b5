#include "kubelet/node/node_object.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "kubelet/images/image.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

constexpr int64_t kMi = 1 << 20;
constexpr int64_t kMemoryReserve = 100 * kMi;  // as upstream's: its threshold of eviction
constexpr const char* kKubeletVersion = "v1.36.0";

std::string trimmedFile(const std::string& path) {
  return std::string(base::trim(base::readFileIfExists(path).value_or("")));
}

// "MemTotal:  24684384 kB"
int64_t memInfo(std::string_view text, std::string_view key) {
  for (std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view number = base::trim(line.substr(key.size() + 1));
    number = number.substr(0, number.find(' '));
    return base::parseInt<int64_t>(number).value_or(0) * 1024;
  }
  return 0;
}

std::string prettyName() {
  std::string release = trimmedFile("/etc/os-release");
  for (std::string_view line : base::split(release, '\n')) {
    constexpr std::string_view kKey = "PRETTY_NAME=";
    if (!line.starts_with(kKey)) continue;
    return base::replaceAll(line.substr(kKey.size()), "\"", "");
  }
  return "Linux";
}

std::string crunVersion() {
  try {
    // Without --root it would make /run/crun.
    auto finished = base::run({.argv = {"crun", "--root=/", "--version"}, .timeout = std::chrono::seconds(5)});
    std::string_view line = base::split(finished.out, '\n')[0];  // "crun version 1.8.1"
    return "crun://" + std::string(line.substr(line.rfind(' ') + 1));
  } catch (const std::system_error&) {
    return "crun://unknown";
  }
}

json::Object condition(const char* type, bool status, const char* reason, const char* message, const std::string& now) {
  return {{"type", type},
          {"status", status ? "True" : "False"},
          {"lastHeartbeatTime", now},
          {"lastTransitionTime", now},
          {"reason", reason},
          {"message", message}};
}

json::Array conditions(const Machine& machine, const std::string& now) {
  bool memory = machine.pressures.contains("MemoryPressure"), disk = machine.pressures.contains("DiskPressure"),
       pids = machine.pressures.contains("PIDPressure"), ready = !machine.shuttingDown;
  return {
      condition("MemoryPressure", memory, memory ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
                memory ? "kubelet has insufficient memory available" : "kubelet has sufficient memory available", now),
      condition("DiskPressure", disk, disk ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
                disk ? "kubelet has disk pressure" : "kubelet has no disk pressure", now),
      condition("PIDPressure", pids, pids ? "KubeletHasInsufficientPID" : "KubeletHasSufficientPID",
                pids ? "kubelet has insufficient PID available" : "kubelet has sufficient PID available", now),
      condition("Ready", ready, ready ? "KubeletReady" : "KubeletNotReady",
                ready ? "kubelet is posting ready status" : "node is shutting down", now)};
}

json::Object resources(int cpus, int64_t memory, int64_t disk, int pods) {
  return {{"cpu", std::to_string(cpus)},
          {"ephemeral-storage", fmt::format("{}Ki", disk / 1024)},
          {"hugepages-1Gi", "0"},
          {"hugepages-2Mi", "0"},
          {"memory", fmt::format("{}Ki", memory / 1024)},
          {"pods", std::to_string(pods)}};
}

json::Object nodeInfo(const Machine& machine) {
  return {{"machineID", machine.machineId},    {"systemUUID", machine.machineId},
          {"bootID", machine.bootId},          {"kernelVersion", machine.kernelVersion},
          {"osImage", machine.osImage},        {"containerRuntimeVersion", machine.runtimeVersion},
          {"kubeletVersion", kKubeletVersion}, {"kubeProxyVersion", ""},
          {"operatingSystem", "linux"},        {"architecture", machine.architecture}};
}

json::Array addressesOf(const NodeName& node) {
  json::Array addresses;
  for (std::string_view ip : base::split(node.ip, ',')) {
    addresses.push_back(json::Object{{"type", "InternalIP"}, {"address", ip}});
  }
  addresses.push_back(json::Object{{"type", "Hostname"}, {"address", node.name}});
  return addresses;
}

json::Object renderStatus(const NodeName& node, const Machine& machine, const std::string& now, json::Array images) {
  return {{"capacity", resources(machine.cpus, machine.memory, machine.diskSize, node.maxPods)},
          {"allocatable", resources(machine.cpus, allocatableMemory(machine), machine.diskSize / 10 * 9, node.maxPods)},
          {"conditions", conditions(machine, now)},
          {"addresses", addressesOf(node)},
          {"images", std::move(images)},
          {"nodeInfo", nodeInfo(machine)}};
}

// A condition whose status is the old one keeps the old one whole.
void keepConditions(json::Array& fresh, const json::Value* before) {
  if (!before || !before->is_array()) return;
  for (json::Value& condition : fresh) {
    for (const json::Value& old : before->get_array()) {
      bool same = json::getString(old, "type") == json::getString(condition, "type") &&
                  json::getString(old, "status") == json::getString(condition, "status");
      if (same) condition = old;
    }
  }
}

}  // namespace

int64_t allocatableMemory(const Machine& machine) { return std::max<int64_t>(machine.memory - kMemoryReserve, 0); }

Machine readMachine(const std::string& dataDir) {
  utsname name{};
  ::uname(&name);
  struct statvfs disk {};
  ::statvfs(dataDir.c_str(), &disk);
  std::string memory = base::readFileIfExists("/proc/meminfo").value_or("");
  auto block = static_cast<int64_t>(disk.f_frsize);
  return {.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)),
          .memory = memInfo(memory, "MemTotal"),
          .diskSize = static_cast<int64_t>(disk.f_blocks) * block,
          .architecture = machineArchitecture(),
          .kernelVersion = name.release,
          .osImage = prettyName(),
          .machineId = trimmedFile("/etc/machine-id"),
          .bootId = trimmedFile("/proc/sys/kernel/random/boot_id"),
          .runtimeVersion = crunVersion()};
}

json::Value renderNode(const NodeName& node, const Machine& machine, base::WallTime now, json::Array images) {
  json::Object labels{{"beta.kubernetes.io/arch", machine.architecture},
                      {"beta.kubernetes.io/os", "linux"},
                      {"kubernetes.io/arch", machine.architecture},
                      {"kubernetes.io/hostname", node.name},
                      {"kubernetes.io/os", "linux"}};
  json::Object spec;
  if (!node.podCidr.empty()) {
    json::Array cidrs;
    for (std::string_view cidr : base::split(node.podCidr, ',')) cidrs.emplace_back(cidr);
    spec["podCIDR"] = cidrs.front();
    spec["podCIDRs"] = std::move(cidrs);
  }
  return json::Object{{"apiVersion", "v1"},
                      {"kind", "Node"},
                      {"metadata", json::Object{{"name", node.name}, {"labels", std::move(labels)}}},
                      {"spec", std::move(spec)},
                      {"status", renderStatus(node, machine, meta::formatTime(now), std::move(images))}};
}

json::Value updateNode(const json::Value& live, const json::Value& rendered) {
  json::Value out = live;
  json::Object& labels = json::ensureObject(json::ensureObject(out.as_object(), "metadata"), "labels");
  for (const auto& [key, value] : json::find(rendered, "metadata.labels")->get_object()) labels[key] = value;
  json::Object& status = json::ensureObject(out.as_object(), "status");
  const json::Value* before = json::find(live, "status.conditions");
  for (const auto& [key, value] : json::find(rendered, "status")->get_object()) {
    json::Value fresh = value;
    if (key == "conditions") keepConditions(fresh.get_array(), before);
    status[key] = std::move(fresh);
  }
  return out;
}

}  // namespace wherry::kubelet

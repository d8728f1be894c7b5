#include "kubelet/runtime/oci_spec.h"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>
#include <linux/capability.h>

#include "base/strings.h"
#include "kubelet/runtime/container_resources.h"
#include "kubelet/runtime/seccomp.h"

namespace wherry::kubelet {
namespace {

// Views of the kernel that say too much, or let a container change it.
constexpr std::initializer_list<const char*> kMasked = {"/proc/acpi",
                                                        "/proc/asound",
                                                        "/proc/interrupts",
                                                        "/proc/kcore",
                                                        "/proc/keys",
                                                        "/proc/latency_stats",
                                                        "/proc/sched_debug",
                                                        "/proc/scsi",
                                                        "/proc/timer_list",
                                                        "/proc/timer_stats",
                                                        "/sys/devices/virtual/powercap",
                                                        "/sys/firmware"};
constexpr std::initializer_list<const char*> kReadOnly = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                          "/proc/sysrq-trigger"};

json::Array textArray(const std::vector<std::string>& texts) {
  json::Array out;
  for (const std::string& text : texts) out.push_back(json::Value(text));
  return out;
}

json::Array textArray(std::initializer_list<const char*> texts) {
  json::Array out;
  for (const char* text : texts) out.push_back(json::Value(text));
  return out;
}

json::Object mount(std::string_view target, std::string_view type, std::string_view source,
                   std::initializer_list<const char*> options) {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", textArray(options)}};
}

std::vector<std::string> texts(const schema::List<std::string_view>& list) {
  std::vector<std::string> out;
  for (std::string_view text : list) out.emplace_back(text);
  return out;
}

json::Array kernelMounts(bool privileged) {
  const char* sysAccess = privileged ? "rw" : "ro";
  json::Array out;
  out.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  out.push_back(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  out.push_back(mount("/dev/pts", "devpts", "devpts",
                      {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  out.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  out.push_back(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", sysAccess}));
  out.push_back(mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", sysAccess}));
  return out;
}

json::Array renderMounts(const SpecInput& input, bool privileged) {
  json::Array out = kernelMounts(privileged);
  for (const ContainerMount& bind : input.mounts) {
    json::Object entry = mount(bind.target, "bind", bind.source, {"rbind"});
    json::Array& options = entry["options"].get_array();
    options.push_back(json::Value(bind.propagation));
    bool readOnly = bind.access == linux::Access::kReadOnly;
    options.push_back(json::Value(readOnly ? "ro" : "rw"));
    if (readOnly && bind.submountsToo) options.push_back(json::Value("rro"));
    out.push_back(std::move(entry));
  }
  return out;
}

// What the container's root lets pass is what any of its mounts may; "" for the runtime's own way, which lets nothing.
std::string_view rootPropagation(const std::vector<ContainerMount>& mounts) {
  std::string_view widest;
  for (const ContainerMount& mount : mounts) {
    if (mount.propagation == "rshared" || (mount.propagation == "rslave" && widest.empty())) widest = mount.propagation;
  }
  return widest;
}

json::Array renderNamespaces(const SpecInput& input) {
  json::Array out;
  auto add = [&](const char* type, const std::string& path) {
    json::Object entry{{"type", type}};
    if (!path.empty()) entry["path"] = path;
    out.push_back(std::move(entry));
  };
  add("mount", {});
  add("cgroup", {});
  if (!input.pod.spec().hostPID()) add("pid", input.pidNamespace);
  if (!input.namespaces.net.empty()) add("network", input.namespaces.net);
  if (!input.namespaces.ipc.empty()) add("ipc", input.namespaces.ipc);
  if (!input.namespaces.uts.empty()) add("uts", input.namespaces.uts);
  return out;
}

json::Array renderDevices(const SpecInput& input) {
  json::Array out = input.devices;
  for (const BlockDevice& device : input.blockDevices) {
    out.push_back(json::Object{{"path", device.path},
                               {"type", "b"},
                               {"major", device.major},
                               {"minor", device.minor},
                               {"fileMode", 0660},
                               {"uid", 0},
                               {"gid", 0}});
  }
  return out;
}

// Which devices may be used: all or none but the usual ones, and the volumes.
json::Array renderDeviceAccess(const SpecInput& input, bool privileged) {
  json::Array out{json::Object{{"allow", privileged}, {"access", "rwm"}}};
  for (const BlockDevice& device : input.blockDevices) {
    const bool readOnly = device.access == linux::Access::kReadOnly;
    out.push_back(json::Object{{"allow", true},
                               {"type", "b"},
                               {"major", device.major},
                               {"minor", device.minor},
                               {"access", readOnly ? "r" : "rwm"}});
  }
  return out;
}

json::Object renderResources(const ContainerResources& resources, linux::CgroupVersion version,
                             json::Array deviceAccess) {
  json::Object cpu{{"shares", resources.cpuShares}};
  if (resources.cpuQuota) {
    cpu["quota"] = *resources.cpuQuota;
    cpu["period"] = kCpuPeriod;
  }
  json::Object out{{"devices", std::move(deviceAccess)}, {"cpu", std::move(cpu)}};
  if (resources.memoryLimit) out["memory"] = json::Object{{"limit", *resources.memoryLimit}};
  // Without one of its processes a program is rarely of use: all end together, where the kernel can do that.
  if (version == linux::CgroupVersion::kV2) out["unified"] = json::Object{{"memory.oom.group", "1"}};
  return out;
}

CapabilityMask capabilitiesOf(const SpecInput& input, bool privileged) {
  if (privileged) return input.bounding;
  auto asked = input.container.securityContext().capabilities();
  return applyCapabilities(defaultCapabilities(), texts(asked.add()), texts(asked.drop()), input.bounding);
}

// A process that isn't root keeps what it may regain through a set-uid program, but starts with nothing.
json::Object renderCapabilities(CapabilityMask mask, bool root) {
  json::Array names = textArray(capabilityNames(mask));
  json::Array effective = root ? names : json::Array{};
  return {{"bounding", names}, {"effective", effective}, {"permitted", effective}, {"inheritable", json::Array{}}};
}

std::string workingDirectory(const SpecInput& input) {
  std::string asked(input.container.workingDir());
  if (asked.empty()) asked = input.image.workingDir;
  if (asked.empty()) return "/";
  return asked.front() == '/' ? asked : "/" + asked;
}

// Lowering the score takes CAP_SYS_RESOURCE; without it the kernel's choice stands.
bool mayScore(int score, CapabilityMask bounding) { return score >= 0 || (bounding >> CAP_SYS_RESOURCE & 1) != 0; }

bool mayEscalate(const SpecInput& input, bool privileged) {
  return privileged || input.container.securityContext().allowPrivilegeEscalationOr(true);
}

json::Object renderProcess(const SpecInput& input, CapabilityMask capabilities, int oomScore, bool privileged) {
  json::Array gids;
  for (uint32_t gid : input.user.additionalGids) gids.push_back(json::Value(gid));
  json::Object process{
      {"terminal", input.container.tty()},
      {"user", json::Object{{"uid", input.user.uid}, {"gid", input.user.gid}, {"additionalGids", gids}}},
      {"args", textArray(input.arguments)},
      {"env", textArray(input.env)},
      {"cwd", workingDirectory(input)},
      {"capabilities", renderCapabilities(capabilities, input.user.uid == 0)},
      {"noNewPrivileges", !mayEscalate(input, privileged)}};
  if (mayScore(oomScore, input.bounding)) process["oomScoreAdj"] = oomScore;
  return process;
}

core_v1::SeccompProfile profileOf(const core_v1::Pod& pod, const core_v1::Container& container) {
  auto profile = container.securityContext().seccompProfile();
  return profile ? profile : pod.spec().securityContext().seccompProfile();
}

// RuntimeDefault when nobody says anything.
std::optional<json::Object> renderSeccomp(const SpecInput& input, CapabilityMask capabilities, bool privileged) {
  if (privileged || profileOf(input.pod, input.container).type() == "Unconfined") return std::nullopt;
  return input.seccompProfile ? *input.seccompProfile : renderDefaultSeccomp(capabilities);
}

}  // namespace

ProcessUser containerUser(const core_v1::Pod& pod, const core_v1::Container& container, const ImageConfig& image,
                          const UserDatabase& database) {
  auto ofPod = pod.spec().securityContext();
  auto ofContainer = container.securityContext();
  std::string text = image.user;
  if (ofPod.hasRunAsUser()) text = std::to_string(ofPod.runAsUser());
  if (ofContainer.hasRunAsUser()) text = std::to_string(ofContainer.runAsUser());
  ProcessUser user = resolveUser(text, database);
  // KEP-3619: whether the image's /etc/group counts.
  if (ofPod.supplementalGroupsPolicy() == "Strict") user.additionalGids.clear();
  if (ofPod.hasRunAsGroup()) user.gid = static_cast<uint32_t>(ofPod.runAsGroup());
  if (ofContainer.hasRunAsGroup()) user.gid = static_cast<uint32_t>(ofContainer.runAsGroup());
  for (const json::Value& gid : ofPod.supplementalGroups()) {
    if (gid.is_int64()) user.additionalGids.push_back(static_cast<uint32_t>(gid.get_int64()));
  }
  if (ofPod.hasFsGroup()) user.additionalGids.push_back(static_cast<uint32_t>(ofPod.fsGroup()));
  std::sort(user.additionalGids.begin(), user.additionalGids.end());
  user.additionalGids.erase(std::unique(user.additionalGids.begin(), user.additionalGids.end()),
                            user.additionalGids.end());
  return user;
}

std::string seccompProfileOf(const core_v1::Pod& pod, const core_v1::Container& container) {
  auto profile = profileOf(pod, container);
  return profile.type() == "Localhost" ? std::string(profile.localhostProfile()) : std::string();
}

std::optional<std::string> findRootViolation(const core_v1::Pod& pod, const core_v1::Container& container,
                                             const ImageConfig& image) {
  auto ofPod = pod.spec().securityContext();
  auto ofContainer = container.securityContext();
  if (!ofContainer.runAsNonRootOr(ofPod.runAsNonRoot())) return std::nullopt;
  auto metadata = pod.metadata();
  std::string where = fmt::format("(pod: \"{}_{}({})\", container: {})", metadata.name(), metadata.ns(), metadata.uid(),
                                  container.name());
  if (ofContainer.hasRunAsUser() || ofPod.hasRunAsUser()) {
    if (ofContainer.runAsUserOr(ofPod.runAsUser()) != 0) return std::nullopt;
    return "container's runAsUser breaks non-root policy " + where;
  }
  std::string user = image.user.substr(0, image.user.find(':'));
  auto number = user.empty() ? std::optional<int64_t>(0) : base::parseInt<int64_t>(user);
  if (!number) {
    return fmt::format(
        "container has runAsNonRoot and image has non-numeric user ({}), cannot verify user is non-root {}", user,
        where);
  }
  if (*number != 0) return std::nullopt;
  return "container has runAsNonRoot and image will run as root " + where;
}

json::Value renderSpec(const SpecInput& input) {
  bool privileged = input.container.securityContext().privileged();
  auto resources = containerResources(input.container, input.pod.status().qosClass(), input.memoryCapacity);
  CapabilityMask capabilities = capabilitiesOf(input, privileged);
  json::Object linux{
      {"cgroupsPath", input.cgroupsPath},
      {"resources", renderResources(resources, input.cgroupVersion, renderDeviceAccess(input, privileged))},
      {"namespaces", renderNamespaces(input)}};
  bool unmasked = input.container.securityContext().procMount() == "Unmasked";
  if (!privileged && !unmasked) {
    linux["maskedPaths"] = textArray(kMasked);
    linux["readonlyPaths"] = textArray(kReadOnly);
  }
  if (auto seccomp = renderSeccomp(input, capabilities, privileged)) linux["seccomp"] = std::move(*seccomp);
  if (auto devices = renderDevices(input); !devices.empty()) linux["devices"] = std::move(devices);
  if (auto propagation = rootPropagation(input.mounts); !propagation.empty()) {
    linux["rootfsPropagation"] = propagation;
  }
  bool readOnly = input.container.securityContext().readOnlyRootFilesystem();
  return json::Object{{"ociVersion", "1.0.0"},
                      {"process", renderProcess(input, capabilities, resources.oomScoreAdj, privileged)},
                      {"root", json::Object{{"path", input.rootfs}, {"readonly", readOnly}}},
                      {"mounts", renderMounts(input, privileged)},
                      {"linux", std::move(linux)}};
}

}  // namespace wherry::kubelet

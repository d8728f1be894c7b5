#include "kubelet/runtime/pod_init.h"

#include <filesystem>

#include "json/value.h"
#include "pod_init_bytes.h"

namespace wherry::kubelet {
namespace {

constexpr uint32_t kNobody = 65535;

std::string bundleOf(const PodPaths& paths) { return paths.root + "/init"; }
std::string cgroupOf(const PodPaths& paths) { return paths.cgroup + "/init"; }
// Containers' ids end in a number.
std::string idOf(std::string_view uid) { return std::string(uid) + "-init"; }

// A root file system with nothing but the program, the same for all pods.
std::string rootFileSystem(const std::string& dataDir) {
  std::string directory = dataDir + "/pod-init", file = directory + "/init";
  std::string_view bytes(reinterpret_cast<const char*>(kPodInitBytes), sizeof kPodInitBytes);
  base::makeDirectories(directory, 0711);
  base::makeDirectories(directory + "/dev");
  if (base::readFileIfExists(file) != bytes) base::writeFileAtomic(file, bytes, 0755);
  return directory;
}

json::Value renderInitSpec(const std::string& root, const PodPaths& paths, const linux::SharedNamespaces& namespaces) {
  json::Array spaces;
  for (const char* own : {"mount", "pid", "cgroup"}) spaces.push_back(json::Object{{"type", own}});
  auto join = [&](const char* type, const std::string& path) {
    if (!path.empty()) spaces.push_back(json::Object{{"type", type}, {"path", path}});
  };
  join("network", namespaces.net);
  join("ipc", namespaces.ipc);
  join("uts", namespaces.uts);
  json::Object device{{"allow", false}, {"access", "rwm"}};
  // crun makes the usual devices, wherever that is.
  json::Object devices{{"destination", "/dev"},
                       {"type", "tmpfs"},
                       {"source", "tmpfs"},
                       {"options", json::Array{"nosuid", "noexec", "mode=755", "size=64k"}}};
  json::Array none;
  return json::Object{
      {"ociVersion", "1.0.0"},
      {"process",
       json::Object{{"user", json::Object{{"uid", kNobody}, {"gid", kNobody}}},
                    {"args", json::Array{"/init"}},
                    {"cwd", "/"},
                    {"capabilities", json::Object{{"bounding", none}, {"effective", none}, {"permitted", none}}},
                    {"noNewPrivileges", true}}},
      {"root", json::Object{{"path", root}, {"readonly", true}}},
      {"mounts", json::Array{devices}},
      {"linux", json::Object{{"cgroupsPath", cgroupOf(paths)},
                             {"resources", json::Object{{"devices", json::Array{device}}}},
                             {"namespaces", spaces}}}};
}

}  // namespace

void startPodInit(const Crun& crun, const std::string& dataDir, std::string_view uid, const PodPaths& paths,
                  const linux::SharedNamespaces& namespaces) {
  std::string bundle = bundleOf(paths);
  base::makeDirectories(bundle, 0700);
  json::Value spec = renderInitSpec(rootFileSystem(dataDir), paths, namespaces);
  base::writeFileAtomic(bundle + "/config.json", json::serialize(spec), 0600);
  crun.createUnmonitored(idOf(uid), bundle);
  crun.start(idOf(uid));
}

base::Fd openPodProcesses(const Crun& crun, const PodPaths& paths) {
  return crun.openPidNamespace(bundleOf(paths), cgroupOf(paths));
}

void endPodInit(const Crun& crun, std::string_view uid, const PodPaths& paths) {
  crun.remove(idOf(uid));
  std::filesystem::remove_all(bundleOf(paths));
}

}  // namespace wherry::kubelet
